/** Bytes on their way between processes. Transports move these and never look inside. */
export interface Message {
  topic: string
  body: Uint8Array
  /** Kept by a broker for later subscribers. */
  retain?: boolean
  /** 0: nobody repeats it, so it is outside the promise. Default 1. */
  qos?: 0 | 1 | 2
  /** The wire itself finds that it cannot be taken, for this reason of the contract: it is to be set aside. */
  refused?: string
  /** Application properties, where the wire has them. */
  properties?: Readonly<Record<string, string>>
}

/**
 * Messages that stay the sender's problem until `ack` resolves.
 * The receiver calls `ack` once, after they are on its disk, or `refuse` to end the sender's connections
 * without acknowledging. Calling neither before the source stops leaves them with the sender.
 */
export interface Delivery {
  messages: readonly Message[]
  /** Arrival of each message on the clock's monotonic scale, ms; same length as `messages`. Earlier where somebody kept it before. */
  arrivals: Float64Array
  /** Goes to the receiver's disk in the transaction of the messages, by key, for the source's next start. */
  marks?: ReadonlyMap<string, Uint8Array>
  ack(): void
  refuse(reason: string): void
}

/** What a source that listens for many senders has to say of them. */
export interface SourceState {
  connections?: number
  /** Certificates that it shows: the setting that names the file, and when they end, epoch ms. */
  certificates?: readonly { setting: string; notAfterMs: number }[]
  /** How often something was denied, by reason, since the start. */
  denied?: Record<string, number>
  /** What one sender may send, and who waits for sending more. */
  quota?: {
    messagesPerSecond: number
    burst: number
    when: string
    /** Names of some who wait now. */
    waiting: string[]
    /** How often somebody was kept waiting since the start, and for how long in all. */
    pauses: number
    pausedMs: number
  }
  /** Of a log that is read: what it deleted before, and what is for others. */
  events?: { lost: number; passedOver: number }
}

/** Hands on deliveries in order of arrival, several may be unacknowledged at once. */
export interface Source {
  /** Resolves when listening; `receive` must not throw and must not block. */
  start(receive: (delivery: Delivery) => void): Promise<void>
  /** Stops taking messages, then resolves; safe without `start` and twice. */
  stop(): Promise<void>
  /** False while nothing can reach the source, so that nobody is silent for that; absent: never. */
  hears?(): boolean
  state?(): SourceState
  /** What keeps it from hearing anybody, in words that name the setting. */
  problem?(): string | undefined
  /** Only where the source is a broker of our own: hands a message to its subscribers; rejects while it does not listen. */
  publish?(message: Message): Promise<void>
}

/** `write` resolves once the far side has acknowledged every message; it keeps nothing for later. */
export interface Sink<T> {
  write(batch: readonly T[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** The far side will refuse these items every time: set them aside instead of retrying. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError'
  /** Indices in the batch that were refused, with the reason of each; the others were accepted. */
  readonly refused: ReadonlyMap<number, string>
  constructor(message: string, refused: ReadonlyMap<number, string>) {
    super(message)
    this.refused = refused
  }
}
