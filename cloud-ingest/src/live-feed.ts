import type { LiveBody } from '@millrace/contracts'
import type { Logger } from '@millrace/pipeline'
import type { LiveReading, Store } from './stored.ts'

const flushEveryMs = 1_000
const maxWaiting = 50_000

/** Brings live readings to one store, best effort: what it does not take in time is counted and gone. */
export class LiveFeed {
  private readonly store: Store
  private readonly log: Logger
  private waiting: LiveReading[] = []
  private timer: NodeJS.Timeout | undefined
  private writing = Promise.resolve()
  private busy = false
  dropped = 0

  constructor(store: Store, log: Logger) {
    this.store = store
    this.log = log
  }

  start(): void {
    this.timer = setInterval(() => {
      if (!this.busy && this.waiting.length > 0) this.writing = this.flush()
    }, flushEveryMs)
  }

  push({ site, columns }: LiveBody): void {
    const { device, metric, ts, value } = columns
    for (let index = 0; index < ts.length; index++) {
      this.waiting.push({ site, device: device[index]!, metric: metric[index]!, ts: ts[index]!, value: value[index]! })
    }
    const surplus = this.waiting.length - maxWaiting
    if (surplus <= 0) return
    this.waiting.splice(0, surplus)
    this.dropped += surplus
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.writing
  }

  private async flush(): Promise<void> {
    const readings = this.waiting
    this.waiting = []
    this.busy = true
    try {
      await this.store.writeReadings(readings)
    } catch (error) {
      this.dropped += readings.length
      this.log.debug({ error, count: readings.length }, 'live readings were not stored')
    } finally {
      this.busy = false
    }
  }
}
