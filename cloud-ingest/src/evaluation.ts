import type { Alert } from '@millrace/contracts'
import type { RuleHeard, RuleStateChange } from '@millrace/rules'
import type { Statement } from '@millrace/spool'

/** How far the rules have come in the log of changed rows. */
export interface EvaluationPlace {
  cursor: number
  /** Rows up to here were there before the rules: what they raise is recorded, and told only if it lasts. */
  historyUpTo: number
}

/** What one step of the rules leaves behind. */
export interface EvaluationStep {
  place: EvaluationPlace
  alerts: readonly Alert[]
  /** Of the engine and of the rules in force. */
  state: readonly RuleStateChange[]
  /** Notices of the alerts. */
  statements: readonly Statement[]
  atMs: number
}

/** The spool as the rules see it. */
export interface EvaluationSpool {
  /** Undefined before the first step. */
  place(): Promise<EvaluationPlace | undefined>
  /** The place before the first row that was received at a time or later. */
  placeAt(receivedMs: number): Promise<number>
  /** When the first row after a place was received; undefined where there is none. */
  receivedAfter(place: number): Promise<number | undefined>
  state(): Promise<Map<string, Uint8Array>>
  /** The newest that is known of every device. */
  heard(): Promise<RuleHeard[]>
  /** All of it in one transaction. */
  commit(step: EvaluationStep): Promise<void>
}
