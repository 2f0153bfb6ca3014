import type { ApiAlert, LiveAlertEvent, Silence } from '@millrace/contracts'
import { api } from '../net/api.ts'
import { Changes } from '../net/change.ts'
import { AlertBook } from './alert-book.ts'
import { askToken } from './token-dialog.ts'

/** Silences that end and channels that fail come by no event. */
const everyMs = 10_000
/** Of the alerts that are over. */
const past = 500

export interface AlertFeedOptions {
  connected(): boolean
  changed(): void
}

export type NewSilence = Omit<Silence, 'id' | 'fromMs' | 'by'> & { by?: string }

/** Keeps the book current, and carries what people do about alerts to the ingest. */
export class AlertFeed {
  readonly book = new AlertBook()
  failed = false
  private readonly options: AlertFeedOptions
  private readonly changes = new Changes(askToken)
  /** Versions of the rules that the book has. */
  private rulesOf: string | undefined
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: AlertFeedOptions) {
    this.options = options
  }

  start(): void {
    void this.poll()
  }

  /** Asks at once for how things are. */
  soon(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = undefined
    void this.poll()
  }

  arrived(event: LiveAlertEvent): void {
    this.book.change(event)
    this.options.changed()
  }

  /** Brings alerts of a device into the book that are older than what it holds. */
  async load(names: { site: string; device: string; from: number }): Promise<void> {
    const answer = await api.alertsOf(names).catch(() => undefined)
    if (answer) this.arrived({ site: names.site, alerts: answer.alerts })
  }

  /** Rejects with `Refused`. */
  async acknowledge(id: string, told: { note: string; by?: string } | { undo: true }): Promise<void> {
    const body = { id, ...told }
    const alert = await this.changes.send<ApiAlert>({ method: 'POST', path: 'api/alerts/acknowledge', body })
    if (alert) this.arrived({ site: alert.site, alerts: [alert] })
  }

  /** Rejects with `Refused`. */
  async silence(body: NewSilence): Promise<void> {
    await this.changes.send({ method: 'POST', path: 'api/silences', body })
    await this.ask()
  }

  /** Rejects with `Refused`. */
  async endSilence(id: string): Promise<void> {
    await this.changes.send({ method: 'DELETE', path: `api/silences/${encodeURIComponent(id)}` })
    await this.ask()
  }

  private async poll(): Promise<void> {
    const startMs = performance.now()
    if (this.options.connected() || !this.book.loaded) await this.ask()
    const tookMs = performance.now() - startMs
    this.timer = setTimeout(() => void this.poll(), this.book.loaded ? Math.max(everyMs, 20 * tookMs) : 2_000)
  }

  private async ask(): Promise<void> {
    const before = this.book.active()
    try {
      this.book.put(await api.alerts(past), before)
      await this.askRules()
      this.failed = false
    } catch {
      this.failed = true
    }
    this.options.changed()
  }

  private async askRules(): Promise<void> {
    const versions = this.book.evaluators.map(({ version }) => version).join()
    if (versions === this.rulesOf) return
    this.book.rules = (await api.rules()).rules
    this.rulesOf = versions
  }
}
