import { AlertBadge } from '../alerts/alert-badge.ts'
import type { App } from '../app.ts'
import { type DeviceState, type Freshness, freshnessOf, type SeriesState } from '../model/fleet.ts'
import { formatAge, formatShare, formatUtc, formatValue, isImplausible } from '../model/format.ts'
import { defaultRange, deviceRoute, writeRoute } from '../model/route.ts'
import { h, setAttribute, setText } from './dom.ts'
import { drawSpark, sparkHeight, sparkWidth } from './spark.ts'
import type { SparkLoader } from './spark-loader.ts'

/** One metric of a device: name, the last hour as a small picture, the newest value. */
class SeriesRow {
  readonly root: HTMLElement
  private readonly app: App
  private readonly state: SeriesState
  private readonly loader: SparkLoader
  private readonly value = h('span', { class: 'value' }, '–')
  private readonly unit = h('span', { class: 'unit' })
  private readonly canvas = h('canvas', { class: 'spark', 'aria-hidden': true, width: sparkWidth, height: sparkHeight })
  private readonly draw = () => this.update()

  constructor(app: App, state: SeriesState, loader: SparkLoader) {
    this.app = app
    this.state = state
    this.loader = loader
    const value = h('dd', {}, this.value, this.unit)
    this.root = h('div', { class: 'metric' }, h('dt', { title: state.metric }, state.metric), this.canvas, value)
    loader.watch(this.root, state)
    this.changed()
  }

  changed(): void {
    this.app.frames.add(this.draw)
  }

  private update(): void {
    const { metric, lastValue, unit } = this.state
    if (!this.loader.isVisible(this.state) && this.value.textContent !== '–') return
    setText(this.value, formatValue(metric, lastValue))
    setText(this.unit, unit)
    setAttribute(this.root, 'data-implausible', String(isImplausible(metric, lastValue)))
    drawSpark(this.canvas, this.state, { now: this.app.now(), palette: this.app.palette })
  }
}

function describeCompleteness(device: DeviceState): { text: string; title: string; level: string } {
  const known = device.completeness
  if (!known) return { text: '', title: '', level: 'unknown' }
  if (known.missing === null)
    return {
      text: 'no seq',
      title: 'This device does not number its messages, so gaps cannot be seen.',
      level: 'unknown',
    }
  const expected = known.messages + known.missing
  const title = `${known.messages} of ${expected} messages of the last hour arrived`
  return { text: formatShare(known.messages, expected), title, level: known.missing === 0 ? 'good' : 'gaps' }
}

export class DeviceCard {
  readonly root: HTMLElement
  private readonly app: App
  private readonly device: DeviceState
  private readonly loader: SparkLoader
  private readonly list = h('dl', { class: 'metrics' })
  private readonly age = h('span', { class: 'age' })
  private readonly complete = h('span', { class: 'complete' })
  private readonly badge = new AlertBadge()
  private readonly rows = new Map<string, SeriesRow>()

  constructor(app: App, device: DeviceState, loader: SparkLoader) {
    this.app = app
    this.device = device
    this.loader = loader
    const href = writeRoute(deviceRoute({ ...device, range: defaultRange }))
    const name = h('h3', {}, h('a', { href }, device.device))
    this.root = h(
      'article',
      { class: 'card' },
      h('div', { class: 'card-head' }, name, this.badge.root, this.complete, this.age),
      this.list,
    )
  }

  /** Adds rows for metrics that appeared, in the order of their names. */
  layOut(): void {
    if (this.rows.size === this.device.series.size) return
    for (const metric of [...this.device.series.keys()].sort()) {
      const state = this.device.series.get(metric)
      if (!state) continue
      const row = this.rows.get(metric) ?? new SeriesRow(this.app, state, this.loader)
      this.rows.set(metric, row)
      this.list.append(row.root)
    }
  }

  changed(series: SeriesState): void {
    this.rows.get(series.metric)?.changed()
  }

  allChanged(): void {
    for (const row of this.rows.values()) row.changed()
  }

  /** How fresh and how complete the device is, brought up to date. */
  drawFacts(): Freshness {
    this.badge.draw(this.app.alerts.book.activeOfDevice(this.device))
    const ageMs = this.app.now() - this.device.lastTs
    const freshness = freshnessOf(ageMs)
    const stale = this.app.connected ? 'live' : 'last known'
    setText(this.age, freshness === 'live' ? stale : formatAge(ageMs))
    setAttribute(this.age, 'title', `newest reading ${formatUtc(this.device.lastTs)}`)
    setAttribute(this.root, 'data-freshness', freshness)
    const completeness = describeCompleteness(this.device)
    setText(this.complete, completeness.text)
    setAttribute(this.complete, 'title', completeness.title)
    setAttribute(this.complete, 'data-level', completeness.level)
    return freshness
  }
}
