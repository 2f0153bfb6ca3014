import uPlot from 'uplot'
import { formatTick } from '../model/format.ts'
import { dayMs, minuteMs } from '../model/step.ts'
import type { Palette } from './palette.ts'

export interface PlotHandlers {
  colours(): Palette
  /** Draws into the plotting area after the axes. */
  paint(plot: uPlot): void
  zoom(from: number, to: number): void
  /** The moment under the pointer, of whichever chart of the page it is over; undefined when it left. */
  hover(ms: number | undefined): void
}

/** Ticks in 24 hours with ISO dates: [spacing from which the line holds, ms; text; where year, month, day roll over]. */
const secondMs = 1_000
const day = '\n{YYYY}-{MM}-{DD}'
const tickTexts = [
  [28 * dayMs, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [dayMs, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [minuteMs, '{HH}:{mm}', day, null, day, null, null, null, 1],
  [secondMs, '{HH}:{mm}:{ss}', day, null, day, null, null, null, 1],
  [1, '{HH}:{mm}:{ss}.{fff}', day, null, day, null, null, null, 1],
]

const font = '11px ui-sans-serif, system-ui, sans-serif'

function axis(handlers: PlotHandlers, more: uPlot.Axis): uPlot.Axis {
  return {
    font,
    stroke: () => handlers.colours().muted,
    grid: { stroke: () => handlers.colours().line, width: 1 },
    ticks: { show: false },
    ...more,
  }
}

function hooks(handlers: PlotHandlers): uPlot.Hooks.Arrays {
  return {
    draw: [(plot) => handlers.paint(plot)],
    setSelect: [
      (plot) => {
        if (plot.select.width < 4) return
        const { left, width } = plot.select
        handlers.zoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'))
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
      },
    ],
    setCursor: [
      (plot) => {
        const left = plot.cursor.left ?? -1
        handlers.hover(left < 0 ? undefined : plot.posToVal(left, 'x'))
      },
    ],
  }
}

/** uPlot gives axes, cursor and selection; the rows are painted by the caller, which knows windows from readings. */
export function createPlot(host: HTMLElement, size: { width: number; height: number }, handlers: PlotHandlers): uPlot {
  const keep: uPlot.Range.Function = (_plot, min, max) => [min, max]
  const options: uPlot.Options = {
    ...size,
    ms: 1,
    // The last label of the time axis stands half outside of the plot.
    padding: [8, 26, 0, 0],
    legend: { show: false },
    scales: { x: { time: true, range: keep }, y: { range: keep } },
    series: [{}, { paths: () => null, points: { show: false } }],
    axes: [
      axis(handlers, { size: 34, space: 64, values: tickTexts }),
      axis(handlers, {
        size: (_plot, texts) => roomFor(texts),
        space: 34,
        values: (_plot, ticks) => ticks.map(formatTick),
      }),
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: 'millrace', setSeries: false },
    },
    hooks: hooks(handlers),
  }
  return new uPlot(
    options,
    [
      [0, 1],
      [0, 1],
    ],
    host,
  )
}

/** One width keeps charts aligned under each other; only numbers that would be cut get more. */
function roomFor(texts: readonly string[] | null): number {
  const longest = Math.max(0, ...(texts ?? []).map((text) => text.length))
  return Math.max(58, longest * 7 + 16)
}
