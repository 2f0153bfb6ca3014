import type { MessageKind, Receipt } from '@millrace/contracts'
import { backoff, type Clock, RejectedError } from '@millrace/pipeline'
import { AcknowledgedMessages, type MessageName, RefusedMessages, UnsettledReceipts } from './held-messages.ts'
import type { Custody } from './uplink.ts'

/** A committed message: its number and bytes never change. */
export interface OutboxMessage {
  site: string
  seq: number
  kind: MessageKind
  bytes: Uint8Array
}

export interface SenderOptions {
  /** Name of the spool whose messages are sent; receipts for any other are ignored. */
  spool: string
  maxOutstanding: number
  /** What ends the agent's duty; a receipt unless set. */
  custody?: Custody
  /** Committed messages, newest first, whose forerunners are receipted. */
  newest(limit: number, exclude: readonly MessageName[]): Promise<OutboxMessage[]>
  /** Forgets messages; durable when it resolves. */
  settle(site: string, receipt: Receipt): Promise<void>
  /**
   * Resolves when the wire has taken the message, which ends our duty only with custody `acknowledged`; rejects with
   * RejectedError where the far side will not take it as it is.
   */
  publish(message: OutboxMessage, withdrawn: AbortSignal): Promise<void>
  /** Real time: back-off does not follow a clock file. */
  clock: Clock
  onError(error: unknown): void
  random?: () => number
}

interface Outstanding {
  message: OutboxMessage
  tries: number
  sentMs: number
  dueMs: number
  publishing: boolean
  withdrawn: AbortController
}

const repeatLimits = { minMs: 5_000, maxMs: 600_000 }
/** What was sent this recently is not sent again early: else two copies' receipts would make more copies. */
const settleMs = 1_000
export function covers(receipt: Receipt, seq: number): boolean {
  return seq <= receipt.upTo || receipt.ranges.some(([from, to]) => seq >= from && seq <= to)
}

/**
 * Keeps at most `maxOutstanding` messages on their way; only a receipt frees a place.
 * A message is repeated with growing pauses, and at once when a receipt brings no news: then the ingest has just
 * connected and everything on its way may be gone.
 */
export class Sender {
  readonly #options: SenderOptions
  readonly #outstanding = new Map<string, Outstanding>()
  readonly #unsettled = new UnsettledReceipts()
  readonly #refused = new RefusedMessages()
  readonly #acknowledged = new AcknowledgedMessages()
  #settling: Promise<void> | undefined
  #filling: Promise<void> | undefined
  #refill = false
  #stopped = false

  constructor(options: SenderOptions) {
    this.#options = options
  }

  get outstanding(): number {
    return this.#outstanding.size
  }

  /** Messages that the far side refused: they stay in the outbox, out of the way of the others. */
  get setAside(): { messages: number; reason: string | null } {
    return this.#refused.status
  }

  /** Sends what there is room for; call it after a checkpoint and on connect. */
  fill(): void {
    this.#refill = true
    this.#filling ??= this.#fillAll().finally(() => {
      this.#filling = undefined
    })
  }

  /** Sends again what is due; call it a few times a second. */
  tick(): void {
    const now = this.#options.clock.monotonic()
    for (const entry of this.#outstanding.values()) if (entry.dueMs <= now) this.#send(entry)
    if (this.#refused.release(now)) this.fill()
    this.#settleDue()
  }

  receipt(site: string, receipt: Receipt): void {
    if (receipt.spool !== this.#options.spool || this.#stopped) return
    const freed = [...this.#outstanding].filter(([, { message }]) => {
      return message.site === site && covers(receipt, message.seq)
    })
    for (const [key] of freed) this.#outstanding.delete(key)
    if (freed.length === 0) this.repeatAll()
    this.#unsettled.add(site, receipt)
    this.#settleDue()
  }

  #settleDue(): void {
    const now = this.#options.clock.monotonic()
    if (this.#unsettled.isDue(now) || this.#acknowledged.isDue(now))
      this.#settling ??= this.#settleAll().finally(() => this.#settled())
  }

  #settled(): void {
    this.#settling = undefined
    this.#settleDue()
  }

  /** Sends everything on its way again at once, but for what was just sent. */
  repeatAll(): void {
    const now = this.#options.clock.monotonic()
    for (const entry of this.#outstanding.values()) {
      entry.tries = 1
      entry.dueMs = Math.min(entry.dueMs, entry.sentMs + repeatLimits.minMs)
      if (now - entry.sentMs >= settleMs) this.#send(entry)
    }
  }

  /** Messages that may be at the far side already. */
  onTheWay(): MessageName[] {
    const sent = [...this.#outstanding.values()].map(({ message: { site, seq } }) => ({ site, seq }))
    return [...sent, ...this.#acknowledged.names]
  }

  /** Drops a message that is no longer in the outbox, also from the wire if that is away. */
  forget({ site, seq }: MessageName): void {
    this.#outstanding.get(`${site}/${seq}`)?.withdrawn.abort()
    this.#outstanding.delete(`${site}/${seq}`)
    this.#refused.forget({ site, seq })
    this.#acknowledged.forget({ site, seq })
  }

  /** Runs `work` while no receipt is settled, so that what it gives up is not settled at the same time. */
  async betweenReceipts<T>(work: () => Promise<T>): Promise<T> {
    while (this.#settling !== undefined) await this.#settling
    const working = work()
    this.#settling = working
      .then(
        () => this.#settleAll(),
        () => this.#settleAll(),
      )
      .finally(() => this.#settled())
    return await working
  }

  /** Waits for work under way on the spool. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#settling
    await this.#filling
  }

  async #settleAll(): Promise<void> {
    const { spool, settle, clock, onError } = this.#options
    const now = clock.monotonic()
    await this.#unsettled.settle(settle, now).catch(onError)
    await this.#acknowledged.settle((site, ranges) => settle(site, { spool, upTo: -1, ranges }), now).catch(onError)
    this.fill()
  }

  async #fillAll(): Promise<void> {
    while (this.#refill && !this.#stopped) {
      this.#refill = false
      try {
        await this.#fillOnce()
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }

  async #fillOnce(): Promise<void> {
    // A message that is receipted but not yet settled is still in the outbox: it must not be sent again.
    while (this.#settling !== undefined) await this.#settling
    const room = this.#options.maxOutstanding - this.#outstanding.size
    // Where the disk did not take a receipt, what it names would go out again and again.
    if (room <= 0 || !this.#unsettled.isEmpty) return
    for (const message of await this.#options.newest(room, this.#notNow())) {
      const entry: Outstanding = {
        ...{ message, tries: 0, sentMs: 0, dueMs: 0, publishing: false },
        withdrawn: new AbortController(),
      }
      this.#outstanding.set(`${message.site}/${message.seq}`, entry)
      this.#send(entry)
    }
  }

  #notNow(): MessageName[] {
    return [...this.onTheWay(), ...this.#refused.names]
  }

  #send(entry: Outstanding): void {
    if (this.#stopped) return
    const now = this.#options.clock.monotonic()
    entry.tries++
    entry.sentMs = now
    entry.dueMs = now + backoff(entry.tries - 1, repeatLimits, this.#options.random ?? Math.random)
    // The wire still holds the bytes of the last try and will send them by itself.
    if (entry.publishing) return
    entry.publishing = true
    this.#options
      .publish(entry.message, entry.withdrawn.signal)
      .then(() => this.#taken(entry.message))
      .catch((error: unknown) => this.#failed(entry, error))
      .finally(() => {
        entry.publishing = false
      })
  }

  /** Where the far side keeps what it has, that is as good as a receipt. */
  #taken({ site, seq }: OutboxMessage): void {
    if (this.#options.custody !== 'acknowledged' || this.#stopped) return
    if (!this.#outstanding.delete(`${site}/${seq}`)) return
    this.#acknowledged.add({ site, seq })
    this.#settleDue()
  }

  #failed({ message: { site, seq }, withdrawn }: Outstanding, error: unknown): void {
    if (withdrawn.signal.aborted || this.#stopped) return
    if (error instanceof RejectedError && this.#outstanding.delete(`${site}/${seq}`)) {
      this.#refused.add({ site, seq }, error.message, this.#options.clock.monotonic())
      this.fill()
    }
    this.#options.onError(error)
  }
}
