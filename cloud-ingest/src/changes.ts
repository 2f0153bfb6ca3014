import type { SeriesName } from '@millrace/contracts'
import type { PartValues } from './received.ts'
import type { CompletenessRow, Refusal, Tier } from './stored.ts'

export interface ChangedPart {
  agent: string
  spool: string
  rev: number
  /** How often the part was replaced. */
  changes: number
  /** Place in the log; the part with the highest changed last. */
  n: number
  /** Its window was so old when the part came that earlier parts of it may be gone from the spool. */
  late: boolean
  values: PartValues
}

/** A window of which at least one part changed, with all its parts as they are now. */
export interface ChangedWindow extends SeriesName {
  seriesId: number
  unit: string
  start: number
  lengthMs: number
  parts: ChangedPart[]
}

/** What a stretch of the log holds; the stretch ends at `upTo`. */
export interface Changes {
  upTo: number
  windows: ChangedWindow[]
  completeness: CompletenessRow[]
}

export type RollupTier = Exclude<Tier, 'minutes'>

/** An hour or day whose row no longer is the merge of its minutes. */
export interface DirtySpan extends SeriesName {
  tier: RollupTier
  seriesId: number
  start: number
}

export interface Settlement {
  store: string
  upTo: number
  /** Now, epoch ms. */
  atMs: number
  dirty: readonly Pick<DirtySpan, 'tier' | 'seriesId' | 'start'>[]
  refusals: readonly Refusal[]
  /** Whether refusals of this store move readings from held to refused. True for one store. */
  accountable: boolean
}

/** A window with late parts that may be written. */
export interface ResolvedWindow {
  window: ChangedWindow
  /** The stored row that a late part takes the place of; undefined where none is lost. */
  replaces: { agent: string; spool: string; count: number; rev: number } | undefined
}

/** The spool as the stores' feeders see it. */
export interface ChangeLog {
  /** The newest place in the log. */
  head(): number
  cursor(store: string): Promise<number>
  /** The next changes after a place; at most about `limit` of them. */
  read(after: number, limit: number): Promise<Changes>
  /** Saves, in one transaction, how far a store has come and what followed from it. */
  settle(settlement: Settlement): Promise<void>
  /** Saves what was found in a store about late parts, before the first write of them could blur it. */
  resolveLate(found: readonly ResolvedWindow[]): Promise<void>
  dirty(store: string, tier: RollupTier, limit: number): Promise<DirtySpan[]>
  clean(store: string, spans: readonly DirtySpan[]): Promise<void>
  /** Resolves once the log goes beyond a place, or when the signal ends. */
  changed(after: number, signal: AbortSignal): Promise<void>
}
