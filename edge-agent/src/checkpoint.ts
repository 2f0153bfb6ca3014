import type { Alert, CompletenessColumns, MessageKind, SummaryRow } from '@millrace/contracts'
import type { Statement } from '@millrace/spool'
import type {
  CompletenessClosing,
  JournalEntry,
  Keeper,
  KeeperChanges,
  KeeperSaved,
  StoredCompleteness,
  StoredSet,
  WindowClosing,
} from '@millrace/windows'
import type { NameRow } from './names.ts'

/** An input set aside: `body` is what arrived, or the readings as JSON where only they were refused. */
export interface SetAsideInput {
  atMs: number
  reason: string
  /** Topic it came on; empty where it was refused after decoding. */
  source: string
  site: string
  device: string
  /** In readings; bytes that cannot be decoded count as one. */
  count: number
  body: Uint8Array
}

/** What one group commit makes durable before anything is acknowledged. */
export interface CommitRecord {
  entries: readonly JournalEntry[]
  names: readonly NameRow[]
  setAside: readonly SetAsideInput[]
  /** Messages that leave the outbox unsent in the same transaction. */
  gaveUp?: readonly GivenUp[]
  /** Of the deliveries, by key. */
  marks?: ReadonlyMap<string, Uint8Array>
  /** Dead letters among the deliveries: their bodies go in the same transaction. */
  replayed?: readonly LetterPlace[]
}

/** Place of a dead letter among those of its reason. */
export interface LetterPlace {
  reason: string
  nth: number
}

/** A message given up for lack of room. */
export interface GivenUp {
  site: string
  seq: number
  /** In its rows. */
  readings: number
}

export interface JournaledEntry {
  id: number
  entry: JournalEntry
  /** Size in the journal. */
  bytes: number
}

/** A part's set as the spool keeps it, with the message that holds its newest revision; -1 for none. */
export interface WindowRecord {
  device: number
  series: number
  start: number
  lengthMs: number
  set: StoredSet
  message: number
  /** Messages whose revisions added its readings, the newest last; absent: `message` added them all. */
  shares?: readonly Share[]
}

/** Readings that the row of a message added to a window's. */
export type Share = readonly [message: number, readings: number]

export interface CompletenessRecord {
  device: number
  start: number
  lengthMs: number
  set: StoredCompleteness
  message: number
}

/** How much of a device the cloud was told. */
export interface ReportRecord {
  device: number
  /** Readings in the newest revision of every window in messages so far. */
  sent: number
  /** Terms as last reported, to tell whether there is news. */
  accepted: number
  open: number
}

export interface OutgoingRecord {
  site: string
  seq: number
  kind: MessageKind
  bytes: Uint8Array
  /** Messages of the same site that must be receipted first. */
  after: readonly number[]
  /** Readings that this message adds to what was sent of each device. */
  added: readonly { device: number; readings: number }[]
}

/** One checkpoint: all of it in one transaction, or nothing. */
export interface CheckpointRecord {
  /** The newest journal entry it covers; all up to it are dropped. */
  journalUpTo: number
  windows: readonly WindowRecord[]
  completeness: readonly CompletenessRecord[]
  /** Sets of windows that end at `setsFromMs` or before are given up. */
  floors: readonly { device: number; setsFromMs: number }[]
  messages: readonly OutgoingRecord[]
  reports: readonly ReportRecord[]
  setAside: readonly SetAsideInput[]
  changes: KeeperChanges
  /** Of the rules, where there are any; its alerts are among the messages. */
  verdict?: Verdict | undefined
}

export type CompletenessRow = { [Column in keyof CompletenessColumns]: CompletenessColumns[Column][number] }

/** New revisions of windows: what rules judge. The rows of all boots of a device's window come together. */
export interface ClosedRows {
  summaries: readonly { device: number; row: SummaryRow }[]
  completeness: readonly { device: number; row: CompletenessRow }[]
}

/** What became of the rules since the last checkpoint. */
export interface Verdict {
  alerts: readonly Alert[]
  /** State of the rules by key; null bytes: forget the key. */
  state: readonly { key: string; bytes: Uint8Array | null }[]
  /** Notices about the alerts. */
  statements: readonly Statement[]
}

/** The rules, as the windows know them. */
export interface Judge {
  /** An entry is in the windows; called at recovery too, so that what no checkpoint covers is judged again. */
  see(entry: JournalEntry, keeper: Keeper): void
  /** Once per checkpoint, with no `see` until it resolves. The verdict is in its transaction, or the agent ends. */
  judge(closed: ClosedRows, keeper: Keeper): Promise<Verdict>
  /** The verdict is on disk. */
  committed(): void
}

/** What the spool knows at start. */
export interface Recovered {
  names: readonly NameRow[]
  saved: KeeperSaved
  reports: readonly ReportRecord[]
  /** Next message number of each site. */
  numbers: ReadonlyMap<string, number>
}

/** Looks up what the spool keeps of the windows that are closing. */
export interface SetLoader {
  windows(closings: readonly WindowClosing[]): Promise<WindowRecord[]>
  completeness(closings: readonly CompletenessClosing[]): Promise<CompletenessRecord[]>
}
