import { RejectedError } from '@millrace/pipeline'
import { explainHubFailure, type HubFailure } from './failure.ts'
import type { HubMessage } from './types.ts'

export interface Wire {
  readonly over: boolean
  send(message: HubMessage): Promise<void>
}

interface Entry {
  message: HubMessage
  tries: number
  resolve(): void
  reject(error: Error): void
}

export interface OutboundOptions {
  maxOutstanding: number
  onSend?: ((message: HubMessage) => void) | undefined
  /** Told of what a send failed with on a connection that still stands; the link decides what becomes of it. */
  onTrouble(failure: HubFailure): void
}

/**
 * Messages that the hub has not acknowledged, in order. What was on the way when a connection ended goes first on the
 * next. How many are on the way at once is halved with each loss that found some, and grows by one with each full
 * round: over MQTT the hub says "too fast" by closing the connection.
 */
export class Outbound {
  readonly #options: OutboundOptions
  readonly #onTheWay = new Set<Entry>()
  #waiting: Entry[] = []
  #wire: Wire | undefined
  #pace: number
  #inRow = 0
  #timeouts = 0
  repeats = 0

  constructor(options: OutboundOptions) {
    this.#options = options
    this.#pace = options.maxOutstanding
  }

  get size(): number {
    return this.#onTheWay.size + this.#waiting.length
  }

  get onTheWay(): number {
    return this.#onTheWay.size
  }

  get pace(): number {
    return this.#pace
  }

  /** Answers in a row that did not come in time. */
  get timeouts(): number {
    return this.#timeouts
  }

  add(message: HubMessage, withdrawn?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { message, tries: 0, resolve, reject }
      withdrawn?.addEventListener('abort', () => this.#withdraw(entry), { once: true })
      this.#waiting.push(entry)
      this.#pump()
    })
  }

  connected(wire: Wire): void {
    this.#wire = wire
    this.#timeouts = 0
    this.#pump()
  }

  /** `hurt`: the connection ended by itself, so the pace falls. What was on the way waits again, in its order. */
  lost(hurt: boolean): void {
    this.#wire = undefined
    if (hurt && this.#onTheWay.size > 0) this.slowDown()
    this.#waiting = [...this.#onTheWay, ...this.#waiting]
    this.#onTheWay.clear()
  }

  slowDown(): void {
    this.#pace = Math.max(1, Math.floor(this.#pace / 2))
    this.#inRow = 0
  }

  /** Resolves when nothing is on the way any more, or the time is over; sends nothing new meanwhile. */
  async drain(withinMs: number): Promise<void> {
    const wire = this.#wire
    this.#wire = undefined
    const until = performance.now() + withinMs
    while (this.#onTheWay.size > 0 && !wire?.over && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  abandon(error: Error): void {
    for (const entry of [...this.#onTheWay, ...this.#waiting.splice(0)]) entry.reject(error)
    this.#onTheWay.clear()
  }

  #withdraw(entry: Entry): void {
    const at = this.#wire ? -1 : this.#waiting.indexOf(entry)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    entry.reject(new Error('withdrawn'))
  }

  #pump(): void {
    const wire = this.#wire
    while (wire && !wire.over && this.#onTheWay.size < this.#pace) {
      const entry = this.#waiting.shift()
      if (!entry) return
      if (entry.tries++ > 0) this.repeats++
      this.#onTheWay.add(entry)
      this.#options.onSend?.(entry.message)
      wire.send(entry.message).then(
        () => this.#acknowledged(entry),
        (error: unknown) => this.#failed(entry, wire, error),
      )
    }
  }

  /** An acknowledgement counts also when it comes while the connection is being renewed. */
  #acknowledged(entry: Entry): void {
    this.#timeouts = 0
    const known = this.#onTheWay.delete(entry)
    if (!known) this.#waiting = this.#waiting.filter((other) => other !== entry)
    entry.resolve()
    if (++this.#inRow >= this.#pace && this.#pace < this.#options.maxOutstanding) {
      this.#pace++
      this.#inRow = 0
    }
    this.#pump()
  }

  #failed(entry: Entry, wire: Wire, error: unknown): void {
    const failure = explainHubFailure(error)
    if (failure.fate === 'set-aside' && this.#onTheWay.delete(entry)) {
      entry.reject(new RejectedError(failure.reason, new Map([[0, failure.reason]])))
      this.#pump()
      return
    }
    // The connection is gone, or the next one carries it already: `lost` sees to it.
    if (wire !== this.#wire || wire.over) return
    this.#onTheWay.delete(entry)
    this.#waiting.unshift(entry)
    if ((error as Error).name === 'TimeoutError') this.#timeouts++
    this.#options.onTrouble(failure)
    this.#pump()
  }
}
