import type { ApiAlert } from '@millrace/contracts'
import type { App } from '../app.ts'
import type { SeriesState } from '../model/fleet.ts'
import { fixed, type Span } from '../model/range.ts'
import { deviceRoute } from '../model/route.ts'
import { h } from '../view/dom.ts'
import { boundOf } from '../view/episode-paint.ts'
import { MetricChart } from '../view/metric-chart.ts'

const minuteMs = 60_000
const maxCharts = 6

/** The episode with as much before and after it again, so that one sees how it came and went. */
export function spanAround({ start, end }: ApiAlert, now: number): Span {
  const until = end ?? now
  const room = Math.max(6 * minuteMs, (until - start) * 0.75)
  return { from: start - room, to: Math.min(until + room, Math.max(now, until + minuteMs)) }
}

/** The series that the alert is about: its own, all of its device, or its metric over the site. */
export function seriesOf({ site, device, metric }: ApiAlert, all: Iterable<SeriesState>): SeriesState[] {
  if (device === null && metric === null) return []
  const own = [...all].filter((series) => {
    const ofDevice = device === null || series.device === device
    return series.site === site && ofDevice && (metric === null || series.metric === metric)
  })
  return own.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, maxCharts)
}

/** The episode on the charts of its series, with the bound of the rule. */
export class EpisodeCharts {
  readonly root = h('div', { class: 'charts episode' })
  private readonly app: App
  private alert: ApiAlert
  private readonly charts = new Map<string, MetricChart>()
  private readonly resizer = new ResizeObserver(() => this.each((chart) => chart.resize()))

  constructor(app: App, alert: ApiAlert) {
    this.app = app
    this.alert = alert
    this.resizer.observe(this.root)
    this.layOut()
  }

  update(alert: ApiAlert): void {
    this.alert = alert
    this.layOut()
    this.each((chart) => chart.changed())
  }

  arrived(changed: readonly SeriesState[]): void {
    for (const { key } of changed) this.charts.get(key)?.arrived()
    if (this.charts.size === 0) this.layOut()
  }

  tick(): void {
    if (this.alert.state === 'active') this.each((chart) => chart.tick(this.span()))
  }

  recover(): void {
    this.each((chart) => chart.recover())
  }

  close(): void {
    this.resizer.disconnect()
    this.each((chart) => chart.close())
  }

  span(): Span {
    return spanAround(this.alert, this.app.now())
  }

  private each(act: (chart: MetricChart) => void): void {
    for (const chart of this.charts.values()) act(chart)
  }

  private layOut(): void {
    for (const series of seriesOf(this.alert, this.app.fleet.series.values())) {
      if (this.charts.has(series.key)) continue
      const chart = this.chartOf(series)
      this.charts.set(series.key, chart)
      this.root.append(chart.root)
      chart.visible = true
      chart.changed()
    }
    this.root.dataset.count = String(this.charts.size)
  }

  private chartOf(series: SeriesState): MetricChart {
    const open = (from: number, to: number) => this.app.go(deviceRoute({ ...series, range: fixed(from, to) }))
    return new MetricChart(this.app, series, {
      span: () => this.span(),
      zoom: open,
      jump: () => open(this.span().from, this.span().to),
      keys: () => undefined,
      reset: () => undefined,
      alerts: () => [this.alert],
      ...(this.alert.device === null && { title: `${series.device} ${series.metric}` }),
      inSight: () => this.boundsOf(series),
    })
  }

  private boundsOf(series: SeriesState): number[] {
    const bound = this.app.alerts.book.kindOf(this.alert.rule) === 'threshold' && boundOf(this.alert, series)
    return typeof bound === 'number' ? [bound] : []
  }
}
