import type { MetricKind, SummaryRow } from '@millrace/contracts'
import type { JournalEntry, WindowSettings } from './types.ts'

/** Readings of one window of one series as columns; a stored set is sorted and free of duplicates. */
export interface SetRows {
  /** Columns may be longer; what is beyond has no meaning. */
  length: number
  /** Epoch ms. */
  ts: Float64Array
  /** NaN where absent. */
  seq: Float64Array
  /** 0 where absent. */
  boot: Uint32Array
  value: Float64Array
  flags: Uint8Array
}

/** A summary without the names of its series and without its revision; units are in `SummaryRow`. */
export type SummaryValues = Omit<SummaryRow, 'device' | 'metric' | 'unit' | 'rev'>

/** Rows of one series to be merged: parts of a window, minutes of an hour, hours of a day. */
export type MergeRow = SummaryValues

/** What a summary is about, beside its readings. */
export interface SummaryContext {
  kind: MetricKind
  start: number
  lengthMs: number
  /** Readings counted after the window had closed. Default 0. */
  amended?: number
  /** Readings left out because the window held their key. Default 0. */
  duplicate?: number
}

/** Readings in order of arrival, packed by the keeper; see `packed-rows.ts`. */
export interface PackedRows {
  start: number
  length: number
  data: Float64Array
  /** Index in `data` of the first reading. */
  offset: number
}

/** A window that has closed; the same one may close again when late readings opened it again. */
export interface WindowClosing {
  series: number
  device: number
  start: number
  lengthMs: number
  maxReadings: number
  /** Repeats already removed, and accounted for, while the window was open. */
  duplicates: number
  rows: PackedRows
}

/** What the spool keeps of a closed window, to amend it. */
export interface StoredSet {
  bytes: Uint8Array
  count: number
  rev: number
  amended: number
  duplicate: number
  unstamped: number
}

export interface ClosedWindow {
  /** To be stored in place of the one given, even where `summary` is undefined (its `duplicate` may have grown). */
  set: StoredSet
  /** Undefined where the set is as it was: nothing to send. `set.rev` is the revision to send it with. */
  summary: SummaryValues | undefined
  /** Readings of the closing that are new in the set; `added + duplicates + overRate.length` is all of them. */
  added: number
  duplicates: number
  /** Readings that no longer fit into the set (`over-rate`): dead letters. */
  overRate: SetRows
}

/** Messages of one device in one window, as packed by the keeper; rows by boot come from `closeCompleteness`. */
export interface CompletenessClosing {
  device: number
  start: number
  lengthMs: number
  bytes: Uint8Array
}

export interface StoredCompleteness {
  bytes: Uint8Array
  rev: number
}

/** One row per boot; 0 is none. `firstSeq` and `lastSeq` are null where `missing` cannot be told. */
export interface CompletenessRow {
  boot: number
  firstSeq: number | null
  lastSeq: number | null
  messages: number
}

export interface ClosedCompleteness {
  set: StoredCompleteness
  /** All rows of the window, to be sent with `set.rev`; undefined where nothing is new. */
  rows: CompletenessRow[] | undefined
}

export interface Closings {
  /** In order of closing. */
  windows: WindowClosing[]
  completeness: CompletenessClosing[]
}

/** Found on apply. Counts are complete; of the readings the first and the newest 50 of each reason are kept. */
export interface SetAside {
  counts: { device: number; reason: SetAsideOnApply; count: number }[]
  readings: SetAsideReading[]
}
export type SetAsideOnApply = 'future' | 'too-late' | 'over-rate'
export interface SetAsideReading {
  device: number
  series: number
  ts: number
  seq: number
  boot: number
  value: number
  flags: number
  reason: SetAsideOnApply
  /** Agent's time of arrival, epoch ms. */
  arrivedMs: number
}

/** In readings: accepted = closed + open + duplicate + tooLate + invalid + dropped, after every call. */
export interface DeviceCounts {
  accepted: number
  closed: number
  /** In open windows, in closings not yet settled, or waiting for the first anchor. */
  open: number
  duplicate: number
  tooLate: number
  invalid: Readonly<Record<string, number>>
  dropped: Readonly<Record<string, number>>
  qos0: number
}

export interface DeviceView {
  device: number
  /** -Infinity before the first reading. */
  newestMs: number
  watermarkMs: number
  /** Readings of windows that end here or before are `too-late`. */
  floorMs: number
  /** Stored sets of windows that end here or before may be dropped: the floor, but never an open window's own set. */
  setsFromMs: number
  /** When a reading last entered one of its windows; NaN where none did since the agent's start. */
  lastArrivalMonotonicMs: number
  hasOpen: boolean
  /** Window length in force for the newest reading, ms. */
  lengthMs: number
  counts: DeviceCounts
}

export interface OpenWindow {
  readonly series: number
  readonly device: number
  readonly start: number
  readonly lengthMs: number
  /** Opened after it had closed: it holds the late readings alone, so a summary of it is no summary of the window. */
  readonly late: boolean
  /** Repeats already removed from `rows`. */
  readonly duplicates: number
  readonly rows: PackedRows
}

/** How the closings of one device ended; the sum leaves `open`. */
export interface Settlement {
  device: number
  closed: number
  duplicate: number
  /** Over-rate. */
  dropped: number
}

export interface SavedWindow {
  series: number
  start: number
  bytes: Uint8Array
}
export interface SavedCompleteness {
  device: number
  start: number
  bytes: Uint8Array
}
export interface SavedDevice {
  device: number
  bytes: Uint8Array
}
/** Message numbers by which unstamped readings of a series are recognised. */
export interface SavedUnstamped {
  series: number
  bytes: Uint8Array
}

/** Everything a keeper is made of, as rows. */
export interface KeeperSaved {
  windows: readonly SavedWindow[]
  completeness: readonly SavedCompleteness[]
  devices: readonly SavedDevice[]
  unstamped: readonly SavedUnstamped[]
  /** Undefined before the first checkpoint. */
  global: Uint8Array | undefined
}

/** Rows to upsert and keys to delete so that the rows saved equal the keeper; no key is in both lists. Bytes are views that share buffers: post them to a worker in one message. */
export interface KeeperChanges extends KeeperSaved {
  deletedWindows: readonly { series: number; start: number }[]
  deletedCompleteness: readonly { device: number; start: number }[]
  deletedUnstamped: readonly number[]
}

/**
 * The agent's windows in memory: a function of the journal's entries alone, so a keeper restored from a
 * checkpoint and given the rest of the journal equals the one that never stopped.
 * A checkpoint calls takeClosings, closeWindow and closeCompleteness on each, settle, takeSetAside, takeChanges, with
 * no `apply` in between, and writes all of it in one transaction. What was taken is not given again: if the
 * transaction fails, the caller repeats that transaction before it applies or takes more.
 */
export interface Keeper {
  /** Newest settings given; they may not be in force for every device yet. */
  readonly settings: WindowSettings
  /** Span in which readings may be amended now, ms. */
  readonly amendSpanMs: number
  /** False until the first `anchor` after a `start`: data waits. */
  readonly anchored: boolean
  /** Agent's time at a monotonic moment, epoch ms; NaN while not anchored. */
  timeAt(monotonicMs: number): number
  /** Copies what it needs: the batch's columns may be used again afterwards. */
  apply(entry: JournalEntry): void
  takeClosings(): Closings
  settle(outcomes: Iterable<Settlement>): void
  takeSetAside(): SetAside
  takeChanges(): KeeperChanges
  openWindows(): Iterable<OpenWindow>
  /** Summary of an open window's readings so far, duplicates removed. */
  provisional(window: OpenWindow): SummaryValues
  devices(): Iterable<DeviceView>
  /** `newestMs` and `lastArrivalMonotonicMs` of every device, at a fraction of what `devices` costs. */
  eachHeard(take: (device: number, newestMs: number, lastArrivalMonotonicMs: number) => void): void
  device(device: number): DeviceView | undefined
}
