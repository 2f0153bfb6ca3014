import { backoff } from '@millrace/pipeline'
import type { HubFailure } from './failure.ts'

/** Losses within this time count as a pattern. */
const patternMs = 120_000
/** A connection that stood this long was no victim of another. */
const shortLifeMs = 60_000
const patternCount = 3

const limits = {
  wait: { minMs: 1_000, maxMs: 60_000 },
  'slow-down': { minMs: 10_000, maxMs: 120_000 },
} as const
const holdMs = 600_000
const identityMs = 300_000
const fullJitter = { minMs: 0, maxMs: 1_000 }

/** How long to rest before the next try, by what went wrong so far. The one retry policy of the link. */
export class Rests {
  readonly #now: () => number
  readonly #random: () => number
  #tries = 0
  #identity = 0
  #shortLives: number[] = []

  constructor(now: () => number, random: () => number) {
    this.#now = now
    this.#random = random
  }

  /** After a try to connect that failed. */
  failed({ fate }: HubFailure): number {
    if (fate === 'hold') return holdMs
    if (fate === 'identity') {
      // The first may be a token made by a clock that was just set.
      return this.#identity++ === 0 ? backoff(0, fullJitter, this.#random) : identityMs
    }
    const tries = this.#tries++
    return backoff(tries, limits[fate === 'slow-down' ? 'slow-down' : 'wait'], this.#random)
  }

  /** After a connection that stood for `livedMs` and ended by itself. */
  lost(livedMs: number): { restMs: number; cutOff: boolean } {
    const now = this.#now()
    this.#shortLives = this.#shortLives.filter((at) => now - at < patternMs)
    if (livedMs < shortLifeMs) this.#shortLives.push(now)
    const cutOff = this.#shortLives.length >= patternCount
    const { wait } = limits
    // Another program that does the same must not meet us at every turn.
    const restMs = cutOff ? 10_000 + this.#random() * 50_000 : backoff(this.#tries++, wait, this.#random)
    return { restMs, cutOff }
  }

  /** The hub took the device: what went wrong before says nothing about the next time. */
  well(): void {
    this.#tries = 0
    this.#identity = 0
  }
}
