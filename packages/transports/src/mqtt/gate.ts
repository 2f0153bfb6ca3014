import type { Message } from '@millrace/pipeline'

/** A publish that waits unacknowledged, and keeps its connection from being read on, until `release` is called once. */
export interface GatedPublish {
  message: Message
  /** Without an error: acknowledged and forwarded. With one: its connection ends, nothing is acknowledged. */
  release(error?: Error): void
}

/** Sees every publish before it is acknowledged: ordinary ones, retained ones and wills. */
export type Gate = (publish: GatedPublish) => void
