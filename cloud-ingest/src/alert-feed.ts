import type { Alert } from '@millrace/contracts'
import { backoff, type Logger, pause } from '@millrace/pipeline'
import type { AlertLog } from './alert-log.ts'

const alertsPerBatch = 500
const retryLimits = { minMs: 200, maxMs: 30_000 }

export interface AlertFeedOptions {
  log: AlertLog
  logger: Logger
  /** Name of the cursor in the spool; without one the feed begins at each start with what comes. */
  reader?: string
  /** To whom, in complaints. */
  target: string
  /** Rejects with what is to be tried again. May be given an alert twice, and then changes nothing. */
  deliver(alerts: readonly Alert[]): Promise<void>
}

/** Brings changed alerts to one place at its own pace: read on from the cursor, deliver, save the cursor. */
export class AlertFeed {
  private readonly options: AlertFeedOptions
  private cursor = 0
  private tries = 0
  private running: Promise<void> = Promise.resolve()
  error: string | null = null

  constructor(options: AlertFeedOptions) {
    this.options = options
  }

  get position(): number {
    return this.cursor
  }

  /** Alerts not yet delivered. */
  async behind(): Promise<number> {
    return await this.options.log.behind(this.cursor)
  }

  /** Resolves once the place to begin at is known; then goes on until the signal ends. */
  async start(signal: AbortSignal): Promise<void> {
    const { log, reader } = this.options
    this.cursor = reader === undefined ? await log.head() : await log.cursor(reader)
    this.running = this.run(signal)
  }

  /** Resolves once the step it was in is done, after the signal has ended. */
  async stopped(): Promise<void> {
    await this.running
  }

  /** False where there was nothing to do. */
  async step(): Promise<boolean> {
    const { log, reader, deliver } = this.options
    const { upTo, alerts } = await log.read(this.cursor, alertsPerBatch)
    if (alerts.length === 0) return false
    await deliver(alerts)
    if (reader !== undefined) await log.settle(reader, upTo)
    this.cursor = upTo
    return true
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const seen = this.options.log.generation
      try {
        const busy = await this.step()
        this.recovered()
        if (!busy) await this.options.log.changed(seen, signal)
      } catch (error) {
        await this.failed(error, signal)
      }
    }
  }

  private recovered(): void {
    if (this.error !== null) this.options.logger.info({ target: this.options.target }, 'alerts are taken again')
    this.error = null
    this.tries = 0
  }

  private async failed(error: unknown, signal: AbortSignal): Promise<void> {
    const message = error instanceof Error ? error.message : String(error)
    this.tries++
    if (message !== this.error && !signal.aborted)
      this.options.logger.warn({ target: this.options.target, tries: this.tries }, `alerts wait: ${message}`)
    this.error = message
    await pause(backoff(this.tries, retryLimits), signal).catch(() => undefined)
  }
}
