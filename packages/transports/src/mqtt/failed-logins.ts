const freeFailures = 10
const firstDelayMs = 250
const maxDelayMs = 60_000
const atOnce = 2
const forgetMs = 10 * 60_000

interface Address {
  failures: number
  /** Nothing is verified for this address before. */
  untilMs: number
  running: number
  waiting: (() => void)[]
}

/**
 * Verifying a secret is slow by intent, so guesses would cost this process more than those who guess. For one address
 * two are verified at a time, and after ten wrong ones in a row none for a while, twice as long after each further one.
 */
export class FailedLogins {
  readonly #now: () => number
  readonly #addresses = new Map<string, Address>()
  #sweptMs = 0

  /** `now` is a monotonic clock, ms. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** What `verify` says, undefined where the secret is wrong; 'delayed' where it was not asked. */
  async attempt<T>(address: string, verify: () => Promise<T | undefined>): Promise<T | 'delayed' | undefined> {
    this.#sweep()
    const entry = this.#addresses.get(address) ?? { failures: 0, untilMs: 0, running: 0, waiting: [] }
    this.#addresses.set(address, entry)
    if (entry.running >= atOnce) await new Promise<void>((turn) => entry.waiting.push(turn))
    entry.running++
    try {
      if (this.#now() < entry.untilMs) return 'delayed'
      const found = await verify()
      this.#learn(entry, found !== undefined)
      return found
    } finally {
      entry.running--
      entry.waiting.shift()?.()
    }
  }

  #learn(entry: Address, good: boolean): void {
    entry.failures = good ? 0 : entry.failures + 1
    const over = entry.failures - freeFailures
    if (over > 0) entry.untilMs = this.#now() + Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(over - 1, 20))
  }

  #sweep(): void {
    const nowMs = this.#now()
    if (nowMs - this.#sweptMs < maxDelayMs) return
    this.#sweptMs = nowMs
    for (const [address, entry] of this.#addresses) {
      if (entry.running === 0 && nowMs - entry.untilMs > forgetMs) this.#addresses.delete(address)
    }
  }
}
