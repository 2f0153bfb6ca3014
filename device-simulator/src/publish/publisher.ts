import type { Logger, Message } from '@millrace/pipeline'

export interface PublishContext {
  clientId: string
  log: Logger
}

/** One connection to where the readings go. */
export interface Publisher {
  start(): Promise<void>
  /** Resolves when the far side acknowledged; rejects when it never will because of `stop`. */
  publish(message: Message): Promise<void>
  readonly connected: boolean
  readonly lastError: string | null
  stop(): Promise<void>
}
