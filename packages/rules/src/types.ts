import type { Alert, AlertCause, RuleOwner, Severity, SummaryRow } from '@millrace/contracts'
import type { Bounds } from './definition/bounds.ts'
import type { RuleDefinition, RuleKind } from './definition/schema.ts'

/** A closed or amended window of a series, in any order; a higher `rev` replaces what was judged of it before. */
export type RuleWindow = Pick<
  SummaryRow,
  | 'device'
  | 'metric'
  | 'unit'
  | 'start'
  | 'lengthMs'
  | 'rev'
  | 'count'
  | 'sum'
  | 'min'
  | 'max'
  | 'mean'
  | 'stddev'
  | 'first'
  | 'firstTs'
  | 'last'
  | 'lastTs'
  | 'p50'
  | 'p95'
  | 'p99'
  | 'increase'
> & { site: string; agent: string | null }

/** A window without the names of the site and of the agent, which most rows of a checkpoint share. */
export type WindowRow = Omit<RuleWindow, 'site' | 'agent'>

/** Messages of one device in one window, merged over its boots: `expected` is null where the device sends no `seq`. */
export interface RuleCompleteness {
  site: string
  device: string
  agent: string | null
  start: number
  lengthMs: number
  rev: number
  messages: number
  expected: number | null
}

/** One live reading, for rules with `on: reading`. */
export interface RuleReading {
  site: string
  device: string
  metric: string
  unit: string
  ts: number
  value: number
}

/** A device was heard of: `ts` is the newest event time of its readings. */
export interface RuleHeard {
  site: string
  device: string
  agent: string
  ts: number
}

/** An agent was heard of at `at` (its own time), or its last will says that it is offline. Silence of its devices is judged up to `at` only. */
export interface RuleAgent {
  site: string
  agent: string
  at: number
  online: boolean
  /**
   * Agent's time since which it has listened without a break, where that is known: silence of its devices counts from
   * here at the earliest, and one that began before goes on.
   */
  since?: number
}

/** What a rule may be about; a device is absent for rules over a site or an agent. */
export interface RuleSubject {
  site: string
  agent?: string
  device?: string
  metric?: string
}

/** A rule ready for use: checked, its globs compiled. A plain value: `{ ...rule, at: 'cloud' }` is the same rule at another owner. */
export interface CompiledRule {
  readonly id: string
  readonly at: RuleOwner
  readonly kind: RuleKind
  readonly cause: AlertCause
  readonly severity: Severity
  /** First 12 hexadecimal digits of the hash of its definition. */
  readonly version: string
  /** As written, defaults filled in, durations in ms. */
  readonly definition: RuleDefinition
  readonly bounds: Bounds
  /** What the subject does not name is not asked for. */
  selects(subject: RuleSubject): boolean
  /** Labels of a device by the files of labels. */
  labelsOf(site: string, device: string): Readonly<Record<string, string>>
}

/** Engine state to keep with what it caused, in one transaction; null bytes: forget the key. */
export interface RuleStateChange {
  key: string
  bytes: Uint8Array | null
}

/** Judges rules of one owner. Pure: time comes in through `advance`, nothing is read and nothing is written. */
export interface Engine {
  windows(rows: readonly RuleWindow[]): void
  /** One window, as in `windows`. */
  window(row: WindowRow, site: string, agent: string | null): void
  completeness(rows: readonly RuleCompleteness[]): void
  readings(rows: readonly RuleReading[]): void
  /** Whether any rule wants readings of this series: asked once per series, before `readings`. */
  wantsReadings(series: { site: string; device: string; metric: string }): boolean
  heard(rows: readonly RuleHeard[]): void
  /**
   * A device need not be told of again for this long, ms: every silence is found and dated in time by what is told then.
   * Infinite where no rule asks for it.
   */
  readonly hearingMs: number
  agent(state: RuleAgent): void
  /** The evaluator's time, epoch ms: silence is judged, and what is older than the horizon is forgotten. */
  advance(nowMs: number): void
  /** Other rules from now on. State of rules that stay is kept; alerts of rules that went are withdrawn. */
  use(rules: readonly CompiledRule[]): void
  /** Alerts that changed since the last call, in order. */
  takeAlerts(): Alert[]
  /** What must be kept to go on from here, since the last call. */
  takeChanges(): RuleStateChange[]
  /** Alerts now active. */
  active(): Alert[]
}
