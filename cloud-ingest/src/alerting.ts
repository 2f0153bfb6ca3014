import type { Acknowledgement, Alert, ApiAlert, RulesResponse, RulesStatus, Silence } from '@millrace/contracts'
import { type NewSilence, type Notifier, openNotifier } from '@millrace/notify'
import type { Clock, Logger } from '@millrace/pipeline'
import { AlertFeed } from './alert-feed.ts'
import type { CloudLink } from './cloud-link.ts'
import type { IngestConfig } from './config.ts'
import type { Decoded } from './decode/index.ts'
import type { Spooled } from './received.ts'
import type { CloudRules, CloudRulesOptions } from './rules.ts'
import type { LiveView } from './serve/live-view.ts'
import type { AlertQuery } from './spool/alerts.ts'
import type { Custody } from './spool/index.ts'
import type { Store } from './stored.ts'

export interface AlertingOptions {
  config: IngestConfig
  custody: Custody
  link: CloudLink
  stores: ReadonlyMap<string, Store>
  view: LiveView
  clock: Clock
  log: Logger
  /** Real time after a connection within which agents will have told that they are there. */
  settleMs: number
}

/** Name of this evaluator among those that notices and the API tell of. */
const evaluator = 'ingest'

/** Loaded only where there are rules, or some are left whose alerts are to be withdrawn. */
async function openRules(options: CloudRulesOptions): Promise<CloudRules> {
  const { openCloudRules } = await import('./rules.ts')
  return await openCloudRules(options)
}

/** Alerts: raised by the rules of the cloud or come from agents, and from the spool to stores, pages and people. */
export class Alerting {
  private readonly options: AlertingOptions
  private readonly notifier: Notifier
  /** Undefined where there are none. */
  readonly rules: CloudRules | undefined
  private readonly feeds: readonly AlertFeed[]
  private readonly storeFeeds: ReadonlyMap<string, AlertFeed>

  private constructor(options: AlertingOptions, parts: { notifier: Notifier; rules: CloudRules | undefined }) {
    this.options = options
    this.notifier = parts.notifier
    this.rules = parts.rules
    const { custody, stores, view, log } = options
    const shared = { log: custody.alerts, logger: log }
    this.storeFeeds = new Map(
      [...stores].map(([name, store]) => {
        const deliver = (alerts: readonly Alert[]) => store.writeAlerts(alerts)
        return [name, new AlertFeed({ ...shared, reader: name, target: name, deliver })]
      }),
    )
    const announce = async (alerts: readonly Alert[]) => view.alerts(this.show(alerts))
    this.feeds = [...this.storeFeeds.values(), new AlertFeed({ ...shared, target: 'pages', deliver: announce })]
  }

  /** Throws a UsageError that names what is wrong with channels. */
  static async open(options: AlertingOptions): Promise<Alerting> {
    const { config, custody, clock, log } = options
    const notifier = await openNotifier({ config: config.notify, spool: custody.spool, clock, log, evaluator })
    const plan = (alerts: readonly Alert[]) => notifier.plan(alerts)
    const saved = await custody.evaluation.state()
    const none = config.rules === undefined && saved.size === 0
    const rules = none ? undefined : await openRules({ ...options, folder: config.rules, evaluator, plan, saved })
    return new Alerting(options, { notifier, rules })
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const feed of this.feeds) await feed.start(signal)
    this.notifier.start()
    this.rules?.start(signal)
  }

  /** Resolves once everything has ended the step it was in, after the signal has ended. */
  async stopped(): Promise<void> {
    await Promise.all([...this.feeds.map((feed) => feed.stopped()), this.rules?.stopped(), this.notifier.stop()])
  }

  /** Who was heard of. */
  received(decoded: Decoded): void {
    this.rules?.received(decoded)
  }

  committed(messages: readonly Spooled[]): void {
    this.rules?.committed(messages)
  }

  async list(query: AlertQuery): Promise<ApiAlert[]> {
    return this.show(await this.options.custody.alerts.list(query))
  }

  async find(id: string): Promise<ApiAlert | undefined> {
    const alert = await this.options.custody.alerts.find(id)
    return alert && this.show([alert])[0]
  }

  async acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<ApiAlert | undefined> {
    if ((await this.find(id)) === undefined) return undefined
    await this.notifier.acknowledge(id, acknowledgement)
    const alert = await this.find(id)
    if (alert) this.options.view.alerts([alert])
    return alert
  }

  silences(): Silence[] {
    return this.notifier.silences()
  }

  async addSilence(silence: NewSilence): Promise<Silence> {
    return await this.announceSilenced(() => this.notifier.addSilence(silence))
  }

  async removeSilence(id: string): Promise<boolean> {
    return await this.announceSilenced(() => this.notifier.removeSilence(id))
  }

  /** Of this ingest, where it has rules, and of the agents as they told last. */
  evaluators(): RulesStatus[] {
    const own = this.rules?.status(this.notifier.status())
    const agents = [...this.options.view.statuses.values()].map(({ rules }) => rules)
    return [own, ...agents].filter((status) => status !== undefined)
  }

  rulesInForce(): Pick<RulesResponse, 'version' | 'problem' | 'rules'> {
    return this.rules?.inForce() ?? { version: null, problem: null, rules: [] }
  }

  /** Where the slowest store is in the log of alerts. */
  takenUpTo(): number {
    return Math.min(...[...this.storeFeeds.values()].map(({ position }) => position))
  }

  /** Why a store takes no alerts. */
  problemOf(store: string): string | null {
    return this.storeFeeds.get(store)?.error ?? null
  }

  /** Alerts that each store has not taken. */
  async behind(): Promise<{ store: string; behind: number }[]> {
    const feeds = [...this.storeFeeds]
    return await Promise.all(feeds.map(async ([store, feed]) => ({ store, behind: await feed.behind() })))
  }

  /** As the API shows them: what was said of an episode stands wherever late data moves its start. */
  private show(alerts: readonly Alert[]): ApiAlert[] {
    const said = (id: string | null) => (id === null ? null : this.notifier.acknowledgement(id))
    return alerts.map((alert) => {
      const acknowledged = said(alert.id) ?? said(alert.movedFrom)
      return { ...alert, acknowledged, silencedBy: this.notifier.silencedBy(alert) }
    })
  }

  /** Listeners hear of the active alerts that are silenced from now on, or no longer. */
  private async announceSilenced<T>(change: () => Promise<T>): Promise<T> {
    const alerts = await this.options.custody.alerts.active()
    const before = alerts.map((alert) => this.notifier.silencedBy(alert))
    const result = await change()
    const shown = this.show(alerts)
    this.options.view.alerts(shown.filter(({ silencedBy }, index) => silencedBy !== before[index]))
    return result
  }
}
