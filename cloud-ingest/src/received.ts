import type { Alert, SetAsideReason, SummaryRow } from '@millrace/contracts'

/** Where a spooled message comes from: numbers count per site and spool. */
export interface BodyHead {
  site: string
  agent: string
  spool: string
  seq: number
  /** The start of the agent that made it. */
  epoch: string
  /** When and under which settings, as it says; absent from earlier releases. */
  made?: number
  settingsHash?: string
}

/** One revision of one part. */
export interface PartRow {
  device: string
  metric: string
  unit: string
  start: number
  lengthMs: number
  rev: number
  count: number
  last: number
  lastTs: number
  /** The summary's values, see `packValues`; null where they were refused: such a part counts and is in no row. */
  values: string | null
}

/** One revision of one boot's share of a window. */
export interface CompletenessPart {
  device: string
  boot: string | null
  start: number
  lengthMs: number
  rev: number
  firstSeq: number | null
  lastSeq: number | null
  messages: number
}

export interface AccountTerms {
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: Record<string, number>
  dropped: Record<string, number>
  qos0: number
}

export interface DeviceTerms {
  device: string
  sent: number
  terms: AccountTerms
}

export interface SetAside {
  reason: SetAsideReason
  device: string | null
  /** Readings in it; bytes that cannot be decoded are one. */
  count: number
}

/** Where a message stands in a log that may be read again, such as a partition of an event hub. */
export interface LogPlace {
  /** Name of the log. */
  log: string
  /** This place and those before it from `first` on: what lies between was seen, and needed no keeping. */
  first: number
  sequence: number
  /** When the log took it, epoch ms; never falls within a log, so a number that comes again later is of a new log. */
  atMs: number
}

/** A message that awaits a receipt, taken apart. Without a head nobody can be told that it was received. */
export interface Spooled {
  topic: string
  head: BodyHead | undefined
  body: Uint8Array
  /** Of the body; a known number with another hash is a conflict. */
  hash: Uint8Array
  parts: readonly PartRow[]
  completeness: readonly CompletenessPart[]
  accounts: readonly DeviceTerms[]
  /** Judged at the edge. */
  alerts: readonly Alert[]
  setAside: readonly SetAside[]
  place?: LogPlace
  /** When it arrived, epoch ms. */
  receivedMs?: number
  /** A dead letter that is taken anew: it goes from the letters in the same transaction. */
  letter?: { reason: string; nth: number }
}

const packed = [
  'count',
  'sum',
  'min',
  'max',
  'mean',
  'stddev',
  'first',
  'firstTs',
  'last',
  'lastTs',
  'p50',
  'p95',
  'p99',
  'sketch',
  'increase',
  'amended',
  'duplicate',
  'unstamped',
] as const

/** The values of a summary, all but its key: what the spool keeps of a part. */
export type PartValues = Pick<SummaryRow, (typeof packed)[number]>

export function packValues(values: PartValues): string {
  return JSON.stringify(packed.map((name) => values[name]))
}

export function unpackValues(text: string): PartValues {
  const list = JSON.parse(text) as unknown[]
  return Object.fromEntries(packed.map((name, index) => [name, list[index]])) as unknown as PartValues
}
