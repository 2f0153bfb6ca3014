import type { Clock } from '@millrace/pipeline'
import { HubError } from '../hub-error.ts'

const maxDebtS = 10

/** What a tier of the real hub allows, so that clients can be tested against it; absent means no limit. */
export interface HubLimits {
  telemetryPerSecond?: number
  twinPerSecond?: number
  /** 4 KB blocks of telemetry per UTC day. */
  dailyBlocks?: number
}

/** Allows `perSecond` on average; who comes faster waits, and is refused when the wait would be over ten seconds. */
export class Throttle {
  readonly #perSecond: number
  readonly #clock: Clock
  #freeAtMs = 0

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** How long the next one has to wait; undefined when it is refused. */
  take(): number | undefined {
    const now = this.#clock.monotonic()
    // A second's worth may come at once.
    const waitMs = Math.max(0, this.#freeAtMs - now - 1000)
    if (waitMs > maxDebtS * 1000) return undefined
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + 1000 / this.#perSecond
    return waitMs
  }
}

const blockBytes = 4096

/** Blocks counted by UTC day. */
export class Quota {
  readonly #limit: number
  readonly #clock: Clock
  #day: number
  #used: number

  constructor(limit: number, { clock, used }: { clock: Clock; used: number }) {
    this.#limit = limit
    this.#clock = clock
    this.#day = dayOf(clock.now())
    this.#used = used
  }

  /** Throws when the day's blocks are used up. */
  take(bytes: number): void {
    const day = dayOf(this.#clock.now())
    if (day !== this.#day) this.#used = 0
    this.#day = day
    if (this.#used >= this.#limit) {
      throw new HubError('IotHubQuotaExceeded', `the ${this.#limit} blocks of today are used up (403002)`)
    }
    this.#used += Math.max(1, Math.ceil(bytes / blockBytes))
  }
}

function dayOf(ms: number): number {
  return Math.floor(ms / 86_400_000)
}
