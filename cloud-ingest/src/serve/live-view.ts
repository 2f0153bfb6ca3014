import type {
  ApiAlert,
  LiveAlertEvent,
  LiveBody,
  LiveSummaryEvent,
  ProvisionalBody,
  SeriesInfo,
  StatusBody,
} from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import type { Spooled } from '../received.ts'
import type { StoredRow } from '../stored.ts'
import { SeenAgents } from './agents.ts'
import { EventHub } from './events.ts'
import { OpenWindows, toApiSummary } from './open-windows.ts'
import { SeriesIndex } from './series-index.ts'

/** Rows of windows that ended longer ago than this, as after an outage, are not announced one by one. */
const announceForMs = 3_600_000

/** What is known of the present, in memory: for the page, and for nothing that is promised. */
export class LiveView {
  readonly events = new EventHub()
  readonly series = new SeriesIndex()
  readonly openWindows: OpenWindows
  readonly statuses = new Map<string, StatusBody>()
  readonly agents: SeenAgents
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
    this.agents = new SeenAgents(clock)
    this.openWindows = new OpenWindows(() => clock.monotonic())
  }

  /** What was known before this start. */
  know(series: readonly SeriesInfo[]): void {
    for (const info of series) this.series.observe(info)
  }

  readings(body: LiveBody): void {
    this.series.observeLive(body)
    const { device, metric, unit, ts, value } = body.columns
    const readings = ts.map((at, index) => {
      return { device: device[index]!, metric: metric[index]!, unit: unit[index]!, ts: at, value: value[index]! }
    })
    this.events.send('reading', body.site, { site: body.site, readings })
  }

  provisional(body: ProvisionalBody): void {
    const summaries = this.openWindows.take(body)
    if (summaries.length > 0) this.events.send('summary', body.site, { site: body.site, summaries })
  }

  status(body: StatusBody): void {
    this.statuses.set(`${body.site}/${body.agent}`, body)
    this.agents.see(body)
    this.events.send('status', body.site, body)
  }

  alerts(alerts: readonly ApiAlert[]): void {
    const bySite = Map.groupBy(alerts, ({ site }) => site)
    for (const [site, ofSite] of bySite) {
      this.events.send('alert', site, { site, alerts: ofSite } satisfies LiveAlertEvent)
    }
  }

  committed(messages: readonly Spooled[]): void {
    for (const { head, parts } of messages) {
      for (const { device, metric, unit, values, lastTs, last } of parts) {
        if (head && values) this.series.observe({ site: head.site, device, metric, unit, lastTs, lastValue: last })
      }
    }
  }

  /** Rows have become readable in the store that queries ask by default. */
  written(rows: readonly StoredRow[]): void {
    this.openWindows.settled(rows)
    const since = this.clock.now() - announceForMs
    const bySite = new Map<string, LiveSummaryEvent>()
    for (const row of rows) {
      const { site, device, metric, unit, start, lengthMs } = row
      if (start + lengthMs < since) continue
      const event = bySite.get(site) ?? { site, summaries: [] }
      event.summaries.push({ ...toApiSummary(row, false), device, metric, unit })
      bySite.set(site, event)
    }
    for (const [site, event] of bySite) this.events.send('summary', site, event)
  }
}
