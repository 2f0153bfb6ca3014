import type { Alert } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'
import type { AlertBook } from './alert-book.ts'
import type { FoldState } from './fold.ts'
import type { Host } from './host.ts'

/** What one rule says of one subject, from wherever it takes its judgements. */
export interface Judged {
  readonly key: string
  /** The same version may come again as another object. */
  rule: CompiledRule
  readonly host: Host
  readonly book: AlertBook
  /** What came before everything that can still change. */
  base: FoldState
  /** Folds everything again and tells what changed. */
  refold(learned: number): Alert[]
  /** Finds out where it is, after what it judges was brought back; tells nothing. */
  resume(): void
  /** Nothing is left to remember. */
  readonly trivial: boolean
}
