import type { MessageKind, Receipt } from '@millrace/contracts'
import type { Logger, Message } from '@millrace/pipeline'

export interface UplinkContext {
  agent: string
  /** Site of the agent itself, under which its status stands. */
  site: string
  /** Published in the agent's name when it vanishes. */
  will: Message
  log: Logger
}

export interface UplinkHandlers {
  onReceipt(site: string, receipt: Receipt): void
  /** Called on each connection, once receipts can arrive. */
  onConnect(): void
}

export interface Outgoing {
  site: string
  kind: MessageKind
  body: Uint8Array
  retain?: boolean
}

/** Where the agent sends. */
export interface Uplink {
  /** Begins to connect; a far side that is away is no error. */
  start(handlers: UplinkHandlers): Promise<void>
  /**
   * Resolves when the far side's transport has the message, however many connections that takes; rejects on `stop`,
   * and where `withdrawn` takes it back while there is no connection.
   */
  send(message: Outgoing, withdrawn?: AbortSignal): Promise<void>
  /** Sends if connected, else forgets: for what the next second replaces. */
  offer(message: Outgoing): void
  readonly connected: boolean
  /** Why the last try to connect failed; null while connected. */
  readonly lastError: string | null
  /** Says goodbye; safe without `start` and twice. */
  stop(): Promise<void>
}
