import type { Alert, ApiAlert } from '@millrace/contracts'
import type { Logger } from '@millrace/pipeline'
import { AlertFeed } from './alert-feed.ts'
import type { LiveView } from './serve/live-view.ts'
import type { AlertQuery } from './spool/alerts.ts'
import type { Custody } from './spool/index.ts'
import type { Store } from './stored.ts'

export interface AlertingOptions {
  custody: Custody
  stores: ReadonlyMap<string, Store>
  view: LiveView
  log: Logger
}

/** What becomes of alerts once they are in the spool. */
export class Alerting {
  private readonly options: AlertingOptions
  /** One for each store, then that of the pages. */
  private readonly feeds: readonly AlertFeed[]
  private readonly storeFeeds: readonly AlertFeed[]

  constructor(options: AlertingOptions) {
    this.options = options
    const { custody, stores, view, log } = options
    const shared = { log: custody.alerts, logger: log }
    this.storeFeeds = [...stores].map(([name, store]) => {
      return new AlertFeed({ ...shared, reader: name, target: name, deliver: (alerts) => store.writeAlerts(alerts) })
    })
    const announce = async (alerts: readonly Alert[]) => view.alerts(this.show(alerts))
    this.feeds = [...this.storeFeeds, new AlertFeed({ ...shared, target: 'pages', deliver: announce })]
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const feed of this.feeds) await feed.start(signal)
  }

  async stopped(): Promise<void> {
    await Promise.all(this.feeds.map((feed) => feed.stopped()))
  }

  async list(query: AlertQuery): Promise<ApiAlert[]> {
    return this.show(await this.options.custody.alerts.list(query))
  }

  async find(id: string): Promise<ApiAlert | undefined> {
    const alert = await this.options.custody.alerts.find(id)
    return alert && this.show([alert])[0]
  }

  private show(alerts: readonly Alert[]): ApiAlert[] {
    return alerts.map((alert) => ({ ...alert, acknowledged: null, silencedBy: null }))
  }

  /** Where the slowest store is in the log of alerts. */
  takenUpTo(): number {
    return Math.min(...this.storeFeeds.map(({ position }) => position))
  }

  /** Alerts that each store has not taken. */
  async behind(): Promise<{ store: string; behind: number }[]> {
    const names = [...this.options.stores.keys()]
    return await Promise.all(
      this.storeFeeds.map(async (feed, index) => ({ store: names[index]!, behind: await feed.behind() })),
    )
  }
}
