import type { App } from '../app.ts'
import { focusInOrder } from '../keys/arrow-focus.ts'
import { clockWords } from '../model/device-clock.ts'
import { freshnessOf, type SeriesState } from '../model/fleet.ts'
import { formatAge, formatLocal, formatShare, formatUtc } from '../model/format.ts'
import { fixed, jumpTo, pan, type Range, type Span, scale, spanOf } from '../model/range.ts'
import { type DevicePlace, defaultRange, devicePlace, deviceRoute } from '../model/route.ts'
import { chooseStep, presets } from '../model/step.ts'
import { h, setAttribute, setText } from './dom.ts'
import { legend } from './legend.ts'
import { MetricChart } from './metric-chart.ts'
import { panByDragging } from './pan-drag.ts'
import { Toolbar } from './toolbar.ts'
import { Touch } from './touch.ts'
import type { View } from './view.ts'

const stepNames = { '1m': 'windows as the agents sent them', '1h': 'hours', '1d': 'days' }

/** One device: a chart per metric on one common time axis. */
export class DeviceView implements View {
  readonly root = h('div', { class: 'device' })
  private readonly app: App
  private readonly names: { site: string; device: string }
  private range: Range
  /** The last one that was chosen by name: what a zoom is undone to. */
  private unzoomed: Range = defaultRange
  private alertsFrom = Number.POSITIVE_INFINITY
  private readonly charts = new Map<string, MetricChart>()
  private readonly list = h('div', { class: 'charts' })
  private readonly facts = h('p', { class: 'device-facts' })
  private readonly clock = h('p', { class: 'device-facts device-clock' })
  private readonly caption = h('p', { class: 'range-caption' })
  private readonly hint = h('p', { class: 'hint' })
  private readonly toolbar: Toolbar
  private readonly byElement = new WeakMap<Element, MetricChart>()
  private readonly observer: IntersectionObserver
  private readonly resizer = new ResizeObserver(() => this.eachChart((chart) => chart.resize()))
  private readonly layOutTask = () => this.layOut()
  private readonly headTask = () => this.drawHead()

  constructor(app: App, { site, device, range }: DevicePlace) {
    this.app = app
    this.names = { site, device }
    this.range = range
    this.take(range)
    this.toolbar = new Toolbar({
      range: () => this.range,
      span: () => this.span(),
      now: () => app.now(),
      change: (next) => this.change(next),
      jump: () => this.jump(this.newest()),
      reset: () => this.reset(),
    })
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: '80px' })
    const title = h(
      'div',
      { class: 'device-head' },
      h('h1', {}, h('a', { href: '#/' }, site), ' / ', device),
      this.facts,
      this.clock,
    )
    this.root.append(title, this.toolbar.root, this.caption, this.list, legend(), this.hint)
    this.resizer.observe(this.list)
    focusInOrder(this.list, '.plot')
    new Touch(this.list, { span: () => this.span(), now: () => app.now(), change: (next) => this.change(next) })
    panByDragging(this.list, (fraction) => this.change(pan(this.range, fraction, app.now())))
    this.layOut()
    this.drawHead()
  }

  series(changed: readonly SeriesState[]): void {
    const { site, device } = this.names
    for (const state of changed) {
      if (state.site !== site || state.device !== device) continue
      const chart = this.charts.get(state.metric)
      if (chart) chart.arrived()
      else this.app.frames.add(this.layOutTask)
    }
  }

  route(): void {
    const place = devicePlace(this.app.route)
    if (!place) return
    this.take(place.range)
    this.redraw()
  }

  recovered(): void {
    this.eachChart((chart) => chart.recover())
  }

  theme(): void {
    this.eachChart((chart) => chart.changed())
  }

  alerts(): void {
    this.eachChart((chart) => chart.changed())
  }

  marks(): void {
    this.eachChart((chart) => chart.changed())
  }

  tick(): void {
    this.app.frames.add(this.headTask)
    if (this.range.kind !== 'follow' || !this.app.connected) return
    const span = this.span()
    this.eachChart((chart) => chart.tick(span))
  }

  close(): void {
    this.observer.disconnect()
    this.resizer.disconnect()
    this.eachChart((chart) => chart.close())
  }

  private span(): Span {
    return spanOf(this.range, this.app.now())
  }

  private change(range: Range): void {
    this.app.go(deviceRoute({ ...this.names, range }))
  }

  private take(range: Range): void {
    this.range = range
    this.loadAlerts()
    if (range.kind === 'follow' && presets.some(({ spanMs }) => spanMs === range.spanMs)) this.unzoomed = range
  }

  /** The newest ones of the fleet are there; a range further back may need more of this device. */
  private loadAlerts(): void {
    const { from } = this.span()
    if (from >= this.alertsFrom) return
    this.alertsFrom = from - 86_400_000
    void this.app.alerts.load({ ...this.names, from: this.alertsFrom })
  }

  private reset(): void {
    this.change(this.unzoomed)
  }

  private jump(lastTs: number): void {
    this.change(jumpTo(this.range, lastTs, this.app.now()))
  }

  private newest(): number {
    return this.app.fleet.device(this.names.site, this.names.device)?.lastTs ?? this.app.now()
  }

  private redraw(): void {
    this.app.frames.add(this.headTask)
    this.eachChart((chart) => chart.changed())
  }

  private eachChart(act: (chart: MetricChart) => void): void {
    for (const chart of this.charts.values()) act(chart)
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const chart = this.byElement.get(target)
      if (!chart) continue
      chart.visible = isIntersecting
      chart.changed()
    }
  }

  private layOut(): void {
    const device = this.app.fleet.device(this.names.site, this.names.device)
    for (const metric of [...(device?.series.keys() ?? [])].sort()) {
      const state = device?.series.get(metric)
      if (state) this.list.append(this.chartOf(state).root)
    }
    const known = this.app.seriesLoaded ? 'No reading of this device is known.' : 'Asking the ingest what it knows …'
    setText(this.hint, device ? '' : known)
  }

  private chartOf(state: SeriesState): MetricChart {
    const known = this.charts.get(state.metric)
    if (known) return known
    const chart = new MetricChart(this.app, state, {
      span: () => this.span(),
      zoom: (from, to) => this.change(fixed(from, to)),
      jump: (series) => this.jump(series.lastTs),
      keys: (event) => this.keys(event),
      reset: () => this.reset(),
      alerts: (series) => this.app.alerts.book.ofSeries(series).filter(({ state }) => state !== 'withdrawn'),
    })
    this.charts.set(state.metric, chart)
    this.byElement.set(chart.root, chart)
    this.observer.observe(chart.root)
    return chart
  }

  private keys(event: KeyboardEvent): void {
    const now = this.app.now()
    const { range } = this
    if (event.key.startsWith('Arrow') && !event.shiftKey) return
    const next: Record<string, () => Range> = {
      ArrowLeft: () => pan(range, -0.25, now),
      ArrowRight: () => pan(range, 0.25, now),
      '+': () => scale(range, 0.5, now),
      '-': () => scale(range, 2, now),
      '0': () => this.unzoomed,
      Escape: () => ({ kind: 'follow', spanMs: this.span().to - this.span().from }),
    }
    const change = next[event.key]
    if (!change || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    this.change(change())
  }

  private drawHead(): void {
    this.toolbar.draw()
    const { from, to } = this.span()
    setText(this.caption, `${formatLocal(from)} to ${formatLocal(to)} · ${stepNames[chooseStep(to - from)]}`)
    setAttribute(this.caption, 'title', `${formatUtc(from)} to ${formatUtc(to)}`)
    const device = this.app.fleet.device(this.names.site, this.names.device)
    if (!device) {
      this.layOut()
      return
    }
    const ageMs = this.app.now() - device.lastTs
    const known = device.completeness
    const complete =
      known && known.missing !== null
        ? ` · ${formatShare(known.messages, known.messages + known.missing)} of the last hour's messages`
        : ''
    setText(this.facts, `${freshnessOf(ageMs) === 'live' ? 'live' : `newest reading ${formatAge(ageMs)}`}${complete}`)
    setAttribute(this.facts, 'data-freshness', freshnessOf(ageMs))
    const clock = clockWords(this.app.fleet.agents.values(), this.names, this.app.now())
    setText(this.clock, clock?.text ?? '')
    setAttribute(this.clock, 'title', clock?.title ?? '')
    setAttribute(this.clock, 'data-level', clock?.level ?? 'unknown')
  }
}
