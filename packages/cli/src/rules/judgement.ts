import type { Alert } from '@millrace/contracts'
import type { Span } from './timeline.ts'

/** What rules make of a past. */
export interface Judgement {
  /** Every episode that stayed, in order. */
  alerts: Alert[]
  span: Span
  windows: number
}
