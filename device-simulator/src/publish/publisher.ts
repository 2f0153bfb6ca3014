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
  /** At most how many messages were sent again because a connection was lost before they were acknowledged. */
  readonly repeats: number
  stop(): Promise<void>
}
