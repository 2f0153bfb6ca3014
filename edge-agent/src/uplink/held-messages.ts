import type { Receipt } from '@millrace/contracts'

export interface MessageName {
  site: string
  seq: number
}

const keyOf = ({ site, seq }: MessageName) => `${site}/${seq}`

/** What the far side refuses stays in the outbox, out of the way of the others, and is tried again this seldom. */
const setAsideMs = 600_000

/** Messages that the far side refused. */
export class RefusedMessages {
  readonly #held = new Map<string, { name: MessageName; reason: string; dueMs: number }>()

  get names(): MessageName[] {
    return [...this.#held.values()].map(({ name }) => name)
  }

  /** How many wait to be tried again, and why the last of them was refused. */
  get status(): { messages: number; reason: string | null } {
    return { messages: this.#held.size, reason: [...this.#held.values()].at(-1)?.reason ?? null }
  }

  add(name: MessageName, reason: string, now: number): void {
    this.#held.set(keyOf(name), { name, reason, dueMs: now + setAsideMs })
  }

  forget(name: MessageName): void {
    this.#held.delete(keyOf(name))
  }

  /** True where some may be tried again; they are forgotten here. */
  release(now: number): boolean {
    const due = [...this.#held].filter(([, { dueMs }]) => dueMs <= now)
    for (const [key] of due) this.#held.delete(key)
    return due.length > 0
  }
}

/** A disk that failed is not asked again at once. */
const againMs = 1_000

/** Receipts that are not on the disk yet: what they name is still in the outbox. The newest of a site says all. */
export class UnsettledReceipts {
  readonly #held = new Map<string, Receipt>()
  #againMs = Number.NEGATIVE_INFINITY

  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  add(site: string, receipt: Receipt): void {
    this.#held.set(site, receipt)
  }

  isDue(now: number): boolean {
    return this.#held.size > 0 && now >= this.#againMs
  }

  /** Settles them all; rejects where that fails, and then they stay. */
  async settle(write: (site: string, receipt: Receipt) => Promise<void>, now: number): Promise<void> {
    this.#againMs = now + againMs
    for (const [site, receipt] of [...this.#held]) {
      await write(site, receipt)
      if (this.#held.get(site) === receipt) this.#held.delete(site)
    }
    this.#againMs = Number.NEGATIVE_INFINITY
  }
}

/** Messages that the far side has and that are still in the outbox. */
export class AcknowledgedMessages {
  readonly #held = new Map<string, MessageName>()
  #againMs = Number.NEGATIVE_INFINITY

  get names(): MessageName[] {
    return [...this.#held.values()]
  }

  add(name: MessageName): void {
    this.#held.set(keyOf(name), name)
  }

  forget(name: MessageName): void {
    this.#held.delete(keyOf(name))
  }

  isDue(now: number): boolean {
    return this.#held.size > 0 && now >= this.#againMs
  }

  /** Settles them all, site by site; rejects where that fails, and then they stay. */
  async settle(write: (site: string, ranges: Receipt['ranges']) => Promise<void>, now: number): Promise<void> {
    this.#againMs = now + againMs
    for (const [site, names] of Map.groupBy(this.names, (name) => name.site)) {
      await write(
        site,
        names.map(({ seq }) => [seq, seq]),
      )
      for (const name of names) this.forget(name)
    }
    this.#againMs = Number.NEGATIVE_INFINITY
  }
}
