import type { ApiAlert } from '@millrace/contracts'
import type uPlot from 'uplot'
import type { App } from '../app.ts'
import { describeMarks, nameMarks } from '../marks/mark-words.ts'
import { nextMoment } from '../model/cursor.ts'
import type { SeriesState } from '../model/fleet.ts'
import { formatValue } from '../model/format.ts'
import type { Span } from '../model/range.ts'
import { rowAt } from '../model/rows.ts'
import { axisRange } from '../model/scale.ts'
import { ChartData } from './chart-data.ts'
import { type Painting, paint, valueRange } from './chart-paint.ts'
import { button, h, setAttribute, setText } from './dom.ts'
import { createPlot } from './plot.ts'
import { describeLatest, describeMoment } from './readout.ts'
import { rowTable } from './row-table.ts'

const height = 208

export interface ChartHost {
  span(): Span
  zoom(from: number, to: number): void
  jump(series: SeriesState): void
  keys(event: KeyboardEvent): void
  reset(): void
  alerts(series: SeriesState): readonly ApiAlert[]
  /** In place of the metric's name. */
  title?: string
  /** Values that the axis is to hold, such as a bound. */
  inSight?(): readonly number[]
}

/** One metric over time: stored windows, open windows and live readings on one axis. */
export class MetricChart {
  readonly root: HTMLElement
  visible = false
  private readonly app: App
  private readonly series: SeriesState
  private readonly host: ChartHost
  private readonly data: ChartData
  private readonly value = h('b', { class: 'value' }, '–')
  private readonly readout = h('p', { class: 'readout' })
  private readonly canvas = h('div', { class: 'plot', tabindex: 0, role: 'img' })
  private readonly note = h('div', { class: 'plot-note', hidden: true })
  private readonly table = h('details', { class: 'rows' }, h('summary', {}, 'Rows as a table'))
  private plot: uPlot | undefined
  private hoverMs: number | undefined
  private lastDrawMs = 0
  private readonly drawTask = () => this.draw()
  private readonly readTask = () => this.read()

  constructor(app: App, series: SeriesState, host: ChartHost) {
    this.app = app
    this.series = series
    this.host = host
    this.data = new ChartData(app, series, () => this.changed())
    const unit = h('span', { class: 'unit' }, series.unit)
    const head = h(
      'div',
      { class: 'chart-head' },
      h('h3', {}, host.title ?? series.metric),
      this.value,
      unit,
      this.readout,
    )
    this.root = h(
      'section',
      { class: 'chart', 'aria-label': series.metric },
      head,
      h('div', { class: 'plot-frame' }, this.canvas, this.note),
      this.table,
    )
    this.listen()
    this.table.addEventListener('toggle', () => this.fillTable())
  }

  private listen(): void {
    this.canvas.addEventListener('keydown', (event) => {
      if (!this.moveCursor(event)) this.host.keys(event)
    })
    this.canvas.addEventListener('dblclick', () => this.host.reset())
    // What the arrows find is read out; what merely arrives is not.
    this.canvas.addEventListener('focus', () => setAttribute(this.readout, 'aria-live', 'polite'))
    this.canvas.addEventListener('blur', () => {
      this.readout.removeAttribute('aria-live')
      this.plot?.setCursor({ left: -10, top: -10 })
    })
  }

  /** Draws at the next free frame. */
  changed(): void {
    if (this.visible) this.app.frames.add(this.drawTask)
  }

  arrived(): void {
    this.data.take()
    if (performance.now() - this.lastDrawMs > 200) this.changed()
  }

  /** Draws once the axis has moved by about a pixel. */
  tick(span: Span): void {
    const pixelMs = (span.to - span.from) / Math.max(this.canvas.clientWidth, 300)
    if (performance.now() - this.lastDrawMs > Math.min(Math.max(pixelMs, 240), 2_000)) this.changed()
  }

  recover(): void {
    this.data.recover()
  }

  resize(): void {
    const width = this.canvas.clientWidth
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height })
    this.changed()
  }

  close(): void {
    this.data.close()
    this.plot?.destroy()
  }

  private painting(): Painting {
    const { series, host, data, app } = this
    const kindOf = (rule: string) => app.alerts.book.kindOf(rule)
    const alerts = { alerts: host.alerts(series), series, kindOf }
    const { recent } = series
    return {
      joined: data.history.joined,
      recent,
      now: app.now(),
      palette: app.palette,
      alerts,
      marks: app.marks.within(host.span()),
      inSight: host.inSight?.() ?? [],
    }
  }

  private draw(): void {
    this.lastDrawMs = performance.now()
    const span = this.host.span()
    this.data.want(span)
    this.plot ??= this.create()
    const values = valueRange(this.painting(), span)
    const { metric } = this.series
    this.plot.setData([[span.from, span.to], values ? axisRange(metric, values) : [0, 1]])
    this.showNote(values !== undefined)
    this.read()
  }

  private create(): uPlot {
    const width = Math.max(this.canvas.clientWidth, 200)
    return createPlot(
      this.canvas,
      { width, height },
      {
        colours: () => this.app.palette,
        paint: (plot) => this.paint(plot),
        zoom: (from, to) => this.host.zoom(from, to),
        hover: (ms) => {
          this.hoverMs = ms
          this.app.frames.add(this.readTask)
        },
      },
    )
  }

  private paint(plot: uPlot): void {
    const { ctx: context, bbox } = plot
    const { from, to } = this.host.span()
    const ratio = devicePixelRatio
    const x = (ms: number) => plot.valToPos(ms, 'x', true)
    const y = (value: number) => plot.valToPos(value, 'y', true)
    paint({ context, ...bbox, ratio, from, to, x, y }, this.painting())
  }

  private read(): void {
    const { metric, lastValue } = this.series
    setText(this.value, formatValue(metric, lastValue))
    const painting = this.painting()
    const text = this.hoverMs === undefined ? describeLatest(metric, painting) : this.moment(this.hoverMs, painting)
    setText(this.readout, text)
    setAttribute(this.readout, 'title', text)
    setAttribute(
      this.canvas,
      'aria-label',
      `Chart of ${metric}. ${describeLatest(metric, painting)}. ${describeMarks(painting.marks)}`,
    )
  }

  private moment(ms: number, painting: Painting): string {
    const row = rowAt(painting.joined.rows, ms)
    const span = row ? { from: row.start, to: row.start + row.lengthMs - 1 } : { from: ms, to: ms }
    const text = describeMoment(this.series.metric, ms, painting)
    return [text, nameMarks(this.app.marks.within(span))].filter(Boolean).join(' · ')
  }

  private moveCursor(event: KeyboardEvent): boolean {
    const side = ({ ArrowLeft: -1, ArrowRight: 1 } as const)[event.key]
    if (!side || !this.plot || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return false
    event.preventDefault()
    const span = this.host.span()
    const moment = nextMoment(this.data.history.joined.rows, this.hoverMs ?? span.to, { span, side })
    this.plot.setCursor({ left: this.plot.valToPos(moment, 'x'), top: height / 2 })
    return true
  }

  private showNote(filled: boolean): void {
    this.note.hidden = filled
    setAttribute(this.root, 'data-state', this.data.state)
    if (filled) return
    const { state } = this.data
    if (state === 'failed')
      this.note.replaceChildren(
        'The history could not be read. ',
        button('Try again', () => this.changed()),
      )
    else if (state !== 'ready') this.note.replaceChildren('Reading the history …')
    else
      this.note.replaceChildren(
        'No reading in this stretch of time. ',
        button('Jump to data', () => this.host.jump(this.series)),
      )
  }

  private fillTable(): void {
    this.table.querySelector('table')?.remove()
    if (this.table.open)
      this.table.append(rowTable(this.series.metric, this.data.history.joined.rows, this.host.span()))
  }
}
