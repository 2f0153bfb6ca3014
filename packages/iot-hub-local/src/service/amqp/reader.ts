import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { EventLog, LogEvent } from '../../types.ts'
import { eventMessage, runtimeMetrics } from './event-message.ts'
import { creditOf, type Delivery, heldBack, isDraining, type Sender } from './rhea.ts'

const maxReadEvents = 200
const maxReadBytes = 1024 * 1024
/** Bytes that may wait in the socket, and bytes sent that the peer has not settled, before a reader pauses. */
const maxSocketBytes = 1024 * 1024
const maxUnsettledBytes = 16 * 1024 * 1024
/** Room in the socket and in the session's window is not announced to the link. */
const lookAgainMs = 20

export interface ReaderOptions {
  sender: Sender
  stream: Duplex
  log: EventLog
  partition: number
  /** Sequence number of the first event wanted. */
  from: number
  /** Whether every event tells where the partition ends, by this clock. */
  metricsNow: (() => number) | undefined
}

/**
 * Sends the events of one partition to one link, as many as the link has credit for. Reads from the log only what it
 * may send at once, so that a peer that does not read holds a bounded number of bytes here.
 */
export class Reader {
  readonly #options: ReaderOptions
  readonly #stop = new AbortController()
  readonly #unsettled = new Map<Delivery, number>()
  #unsettledBytes = 0
  #next: number
  #wake: () => void = () => undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#next = options.from
    const { sender } = options
    for (const event of ['sender_flow', 'sendable']) sender.on(event, () => this.#wake())
    sender.on('settled', ({ delivery }: { delivery?: Delivery }) => {
      if (delivery) this.#settled(delivery)
    })
  }

  /** Resolves when the reader is stopped; rejects when the log cannot be read. */
  async run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      const sent = this.#maySend() ? await this.#sendSome() : 0
      if (sent > 0) await nextTurn()
      else await this.#pause()
    }
  }

  stop(): void {
    this.#stop.abort()
    this.#wake()
  }

  #maySend(): boolean {
    const { sender, stream } = this.#options
    const room = stream.writableLength < maxSocketBytes && this.#unsettledBytes < maxUnsettledBytes
    return room && heldBack(sender) === 0 && sender.sendable()
  }

  async #sendSome(): Promise<number> {
    const { log, partition, sender } = this.#options
    const limits = { events: Math.min(creditOf(sender), maxReadEvents), bytes: maxReadBytes }
    const events = await log.read(partition, this.#next, limits)
    if (this.#stop.signal.aborted) return 0
    for (const event of events) this.#send(event)
    if (events.length === 0 && isDraining(sender)) sender.set_drained(true)
    return events.length
  }

  #send(event: LogEvent): void {
    const { log, partition, sender, metricsNow } = this.#options
    const metrics = metricsNow && runtimeMetrics(log.info(partition), metricsNow())
    const delivery = sender.send(eventMessage(event, metrics))
    this.#unsettled.set(delivery, event.body.byteLength)
    this.#unsettledBytes += event.body.byteLength
    this.#next = event.sequence + 1
  }

  #settled(delivery: Delivery): void {
    this.#unsettledBytes -= this.#unsettled.get(delivery) ?? 0
    this.#unsettled.delete(delivery)
    this.#wake()
  }

  /** Until there may be something to do: an event where the link has room, else room. */
  async #pause(): Promise<void> {
    const { log, partition } = this.#options
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#stop.signal])
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    const free = this.#maySend()
    const looked = free ? undefined : setTimeout(() => this.#wake(), this.#mustLook() ? lookAgainMs : idleLookMs)
    await (free ? Promise.race([woken, log.waitFor(partition, this.#next, signal)]) : woken)
    clearTimeout(looked)
    done.abort()
  }

  /** Nothing will tell when this is over. */
  #mustLook(): boolean {
    const { sender, stream } = this.#options
    return stream.writableLength >= maxSocketBytes || heldBack(sender) > 0
  }
}

const idleLookMs = 1000
