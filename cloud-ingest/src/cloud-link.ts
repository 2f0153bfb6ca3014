import type { Message } from '@millrace/pipeline'

/** The way to and from agents. What arrives is nobody's promise until a receipt has been published for it. */
export interface CloudLink {
  /** Begins to connect and resolves at once. `receive` must not throw and must not block. */
  start(receive: (message: Message) => void): Promise<void>
  publish(message: Message): Promise<void>
  /** Called on every connection, when what agents send can arrive. */
  onConnect(callback: () => void): void
  /** Undefined while connected, else why not, in words that name the setting. */
  problem(): string | undefined
  stop(): Promise<void>
}
