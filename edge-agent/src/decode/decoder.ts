import type { Message } from '@millrace/pipeline'
import type { BatchBuilder } from './batch-builder.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { DecoderNames } from './names.ts'

/** What a decoder fills, and the dictionary it speaks in. */
export interface DecoderContext {
  names: DecoderNames
  columns: BatchBuilder
}

/** Turns device messages into columns. Nothing it is given can make it throw. */
export interface Decoder {
  /** Adds the message's readings to the columns and what is refused to the dead letters. */
  decode(message: Message, arrivedMonotonicMs: number): void
  /** Dead letters since the last call. */
  takeDeadLetters(): DeadLetter[]
}

/** Told what becomes of a message, for people who try one. */
export interface Trace {
  matched(decoder: string, rule: string): void
  setAside(what: { what: string; reason: string; why: string; count: number }): void
  /** A message or a member of one that is no reading, and why it is none. */
  left(what: string, why: string): void
}

export interface FormatContext extends DecoderContext {
  /** The agent's own: the site of devices whose messages and settings name none. */
  site: string
  trace?: Trace | undefined
}

/** A decoder of the topics that its settings name. */
export interface FormatDecoder {
  /** MQTT filters that cover its topics. */
  readonly filters: readonly string[]
  /** Messages on its topics that hold no reading: ignored ones, empty ones, old values without a time. */
  readonly ignored: number
  /** As `Decoder.decode`; false where the topic is none of its own, and then nothing was done. */
  take(message: Message, arrivedMonotonicMs: number): boolean
  takeDeadLetters(): DeadLetter[]
  /** True where a device that signed in under this name may publish on the topic. */
  allows(user: string, topic: string): boolean
}
