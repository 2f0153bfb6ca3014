import type { CompletenessColumns, SummariesBody, SummaryColumns, SummaryRow } from '@millrace/contracts'
import type { CompletenessRow } from '../checkpoint.ts'

/** A device's terms of `accepted = closed + open + duplicate + tooLate + invalid + dropped`, in readings. */
export interface AccountTerms {
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: Readonly<Record<string, number>>
  dropped: Readonly<Record<string, number>>
  qos0: number
}

export type AccountRow = AccountTerms & { device: string; sent: number }
export type BodyHead = Pick<SummariesBody, 'agent' | 'spool' | 'epoch' | 'site'>
/** When a body was made, and under which settings. */
export type BodyStamp = Required<Pick<SummariesBody, 'made' | 'settingsHash'>>

const summaryNames = [
  ...['device', 'metric', 'unit', 'start', 'lengthMs', 'rev', 'count', 'sum', 'min', 'max', 'mean', 'stddev'],
  ...['first', 'firstTs', 'last', 'lastTs', 'p50', 'p95', 'p99', 'sketch', 'increase'],
  ...['amended', 'duplicate', 'unstamped'],
] as (keyof SummaryRow)[]
const completenessNames: (keyof CompletenessRow)[] = [
  ...(['device', 'boot', 'start', 'lengthMs', 'rev', 'firstSeq', 'lastSeq', 'messages'] as const),
]
const accountNames: (keyof AccountRow)[] = [
  ...(['device', 'accepted', 'closed', 'open', 'duplicate', 'tooLate'] as const),
  ...(['invalid', 'dropped', 'sent', 'qos0'] as const),
]

function columnsOf<Row>(names: readonly (keyof Row)[], rows: readonly Row[]): Record<string, unknown[]> {
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]))
}

/** Summaries without `rev`: what a provisional body carries. */
export function provisionalColumns(rows: readonly Omit<SummaryRow, 'rev'>[]): Record<string, unknown[]> {
  const names = summaryNames.filter((name): name is Exclude<keyof SummaryRow, 'rev'> => name !== 'rev')
  return columnsOf(names, rows)
}

/** Bytes that a row adds to a columnar body: each value and its comma, the quotes and the names being ASCII but for units. */
export function rowBytes(row: object): number {
  return Buffer.byteLength(JSON.stringify(Object.values(row)))
}

/** Field names, brackets and the longest head. */
const emptyBodyBytes = 1_536

/** One `summaries` body in the making; `bytes` is an upper bound of its size. */
export class SummariesDraft {
  readonly summaries: SummaryRow[] = []
  readonly completeness: CompletenessRow[] = []
  readonly accounts = new Map<number, AccountRow>()
  /** Numbers of messages that must be receipted first: each holds the revision before one of this draft. */
  readonly after = new Set<number>()
  /** Readings that the rows add to what was sent, by device. */
  readonly added = new Map<number, number>()
  bytes = emptyBodyBytes

  get isEmpty(): boolean {
    return this.summaries.length + this.completeness.length + this.accounts.size === 0
  }

  encode(head: BodyHead & Partial<BodyStamp>, seq: number): Uint8Array {
    const body = {
      v: 1,
      ...head,
      seq,
      columns: columnsOf(summaryNames, this.summaries) as SummaryColumns,
      completeness: columnsOf(completenessNames, this.completeness) as CompletenessColumns,
      accounts: columnsOf(accountNames, [...this.accounts.values()]),
    }
    return Buffer.from(JSON.stringify(body))
  }
}
