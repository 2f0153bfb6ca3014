import type { Message } from '@millrace/pipeline'
import type { LogPlace, SetAside } from './received.ts'

export interface CloudMessage extends Message {
  /** Where the wire repeats what it holds: the spool takes each place once. */
  place?: LogPlace
  /** The wire itself finds nothing to take in it. */
  setAside?: SetAside
}

/** The way to and from agents. What arrives is nobody's promise until a receipt has been published for it. */
export interface CloudLink {
  /**
   * Begins to connect and resolves at once. `receive` never rejects: true once the message is on the spool's disk or
   * needs no keeping, false where it was let go, so that it stays the sender's duty.
   */
  start(receive: (message: CloudMessage) => Promise<boolean>): Promise<void>
  /** Where the wire has no way back to agents, resolves at once. */
  publish(message: Message): Promise<void>
  /** Called on every connection, when what agents send can arrive. */
  onConnect(callback: () => void): void
  /** Other ingests take turns with this one, and may write to its stores what it did not read; default false. */
  isShared?: boolean
  /** Undefined while connected, else why not, in words that name the setting. */
  problem(): string | undefined
  /** The certificate that the ingest shows, with its end, epoch ms. */
  certificates?(): readonly { setting: string; notAfterMs: number }[]
  stop(): Promise<void>
}
