import type { SetAsideReason } from '@millrace/contracts'

/** A device message, or a part of it, that was set aside; one for each reason found in it. */
export interface DeadLetter {
  reason: SetAsideReason
  topic: string
  /** Absent where the topic names no usable device. */
  site?: string
  device?: string
  /** In readings; bytes that cannot be decoded count as one. */
  count: number
  /** The whole message as it arrived. */
  body: Uint8Array
}
