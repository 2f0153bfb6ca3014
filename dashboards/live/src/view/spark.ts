import type { SeriesState } from '../model/fleet.ts'
import { hourMs } from '../model/step.ts'
import type { Palette } from './palette.ts'

export const sparkWidth = 72
export const sparkHeight = 22

interface Frame {
  x(ts: number): number
  y(value: number): number
}

function extent(series: SeriesState, from: number): [number, number] {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const row of series.lastHour.joined.rows) {
    if (row.start + row.lengthMs <= from) continue
    min = Math.min(min, row.mean)
    max = Math.max(max, row.mean)
  }
  const { recent } = series
  for (let index = recent.from(series.lastHour.joined.openFrom); index < recent.ts.length; index++) {
    const value = recent.value[index] ?? 0
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return [min, max]
}

function frameOf(series: SeriesState, now: number): Frame | undefined {
  const from = now - hourMs
  const [min, max] = extent(series, from)
  if (min > max) return undefined
  const middle = (min + max) / 2
  const half = Math.max((max - min) / 2, Math.abs(middle) * 1e-3, 1e-9)
  return {
    x: (ts) => ((ts - from) / hourMs) * (sparkWidth - 3),
    y: (value) => sparkHeight - 3 - ((value - middle + half) / (2 * half)) * (sparkHeight - 6),
  }
}

function traceRows(context: CanvasRenderingContext2D, series: SeriesState, { x, y }: Frame): void {
  let end = Number.NaN
  for (const row of series.lastHour.joined.rows) {
    const middle = x(row.start + row.lengthMs / 2)
    if (middle < 0 || row.provisional) continue
    if (row.start === end) context.lineTo(middle, y(row.mean))
    else context.moveTo(middle, y(row.mean))
    end = row.start + row.lengthMs
  }
}

function traceReadings(context: CanvasRenderingContext2D, series: SeriesState, { x, y }: Frame): void {
  const { recent } = series
  const start = recent.from(series.lastHour.joined.openFrom)
  for (let index = start; index < recent.ts.length; index++) {
    const at = [x(recent.ts[index] ?? 0), y(recent.value[index] ?? 0)] as const
    if (index === start) context.moveTo(...at)
    else context.lineTo(...at)
  }
}

/** The last hour of a series in a line's height: minute means, then the live readings and a dot at the newest. */
export function drawSpark(
  canvas: HTMLCanvasElement,
  series: SeriesState,
  { now, palette }: { now: number; palette: Palette },
): void {
  const context = canvas.getContext('2d')
  if (!context) return
  const ratio = Math.min(devicePixelRatio, 2)
  if (canvas.width !== sparkWidth * ratio) {
    canvas.width = sparkWidth * ratio
    canvas.height = sparkHeight * ratio
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, sparkWidth, sparkHeight)
  const frame = frameOf(series, now)
  if (!frame) return
  context.lineWidth = 1.25
  context.lineJoin = 'round'
  context.strokeStyle = palette.water
  context.beginPath()
  traceRows(context, series, frame)
  context.stroke()
  context.strokeStyle = palette.open
  context.beginPath()
  traceReadings(context, series, frame)
  context.stroke()
  context.fillStyle = palette.open
  context.fillRect(frame.x(series.lastTs) - 1, frame.y(series.lastValue) - 1.5, 3, 3)
}
