import { drillSite, type LiveReadingEvent } from '@millrace/contracts'
import { pause } from '@millrace/pipeline'
import type { KnownDevice } from './known-device.ts'
import { followLive } from './live-stream.ts'
import type { Target } from './target.ts'

const beatEveryMs = 200
const lookEveryMs = 100
/** Beats on the way at once: while nobody takes them, no more are made. */
const mostWaiting = 300
const acknowledgedWithinMs = 30_000

interface Wound {
  atMs: number
  healed(ms: number): void
}

/**
 * A device that beats, and an ear at the page's end. Between them lies the whole way of a reading, so they tell how old
 * what the page shows is, and when everything works again after a fault.
 */
export class Heartbeat {
  readonly device: KnownDevice
  /** Ages of what the page showed while nothing was broken, real ms. */
  readonly ages: number[] = []
  readonly #target: Target
  readonly #sentAt = new Map<number, number>()
  #newest = 0
  #newestSentAt = performance.now()
  #wounds: Wound[] = []
  #broken = 0
  #running: Promise<unknown> = Promise.resolve()
  readonly #ending = new AbortController()

  constructor(target: Target, device: KnownDevice) {
    this.#target = target
    this.device = device
  }

  start(): void {
    const { signal } = this.#ending
    const { ports, token } = this.#target
    const url = `http://127.0.0.1:${ports.http}/api/live?site=${drillSite}`
    const heard = (data: string) => this.#heard(JSON.parse(data) as LiveReadingEvent)
    this.#running = Promise.all([
      followLive({ url, token, event: 'reading', heard }, signal),
      this.#beat(signal),
      this.#look(signal),
    ])
  }

  /** Real ms since the newest reading that the page shows was sent. */
  get ageMs(): number {
    return performance.now() - this.#newestSentAt
  }

  /** True while no fault is under way: what the page shows ought to be fresh. */
  get well(): boolean {
    return this.#broken === 0 && this.#wounds.length === 0
  }

  /** A fault that lasts until the function it gives back is called, and is healed some time after. */
  break(): () => Promise<number> {
    this.#broken++
    return () => {
      this.#broken--
      return this.healed()
    }
  }

  /** Resolves when a reading that was sent after this moment is on the page, with the ms that took. */
  healed(): Promise<number> {
    return new Promise((resolve) => this.#wounds.push({ atMs: performance.now(), healed: resolve }))
  }

  /** No beat after this one. Resolves when all are acknowledged, or with false when they are not for long. */
  async stop(): Promise<boolean> {
    this.#ending.abort()
    const givenUp = new AbortController()
    const late = pause(acknowledgedWithinMs, givenUp.signal).then(
      () => false,
      () => true,
    )
    const ended = await Promise.race([this.#running.then(() => true), late])
    givenUp.abort()
    return ended
  }

  async #beat(signal: AbortSignal): Promise<void> {
    const waiting = new Set<Promise<unknown>>()
    while (!signal.aborted) {
      if (waiting.size < mostWaiting) {
        const sentAt = performance.now()
        const sending = this.device.send(this.#target.now()).finally(() => waiting.delete(sending))
        sending.catch(() => undefined)
        waiting.add(sending)
        this.#sentAt.set(this.device.sent, sentAt)
      }
      await pause(beatEveryMs, signal).catch(() => undefined)
    }
    await Promise.all(waiting)
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.well && this.#newest > 0) this.ages.push(this.ageMs)
      await pause(lookEveryMs, signal).catch(() => undefined)
    }
  }

  #heard({ readings }: LiveReadingEvent): void {
    for (const { device, value } of readings) if (device === this.device.device) this.#seen(value)
  }

  #seen(beat: number): void {
    const sentAt = this.#sentAt.get(beat)
    if (sentAt === undefined || beat <= this.#newest) return
    for (let old = this.#newest; old < beat; old++) this.#sentAt.delete(old)
    this.#newest = beat
    this.#newestSentAt = sentAt
    const now = performance.now()
    const healed = this.#wounds.filter(({ atMs }) => atMs < sentAt)
    this.#wounds = this.#wounds.filter(({ atMs }) => atMs >= sentAt)
    for (const wound of healed) wound.healed(now - wound.atMs)
  }
}
