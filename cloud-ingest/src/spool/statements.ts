import type { SqlValue, Statement } from '@millrace/spool'
import type { CompletenessPart, DeviceTerms, PartRow } from '../received.ts'
import type { SeriesState, SourceState } from './registry.ts'
import { insertTrace } from './traces.ts'

const upsertSource = `INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET received = excluded.received, at_ms = excluded.at_ms`

const upsertEpoch = `INSERT INTO epochs VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  first = min(first, excluded.first), newest = max(newest, excluded.newest)`

const upsertSeries = `INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
  unit = excluded.unit, last_ts = excluded.last_ts, last_value = excluded.last_value WHERE excluded.last_ts >= last_ts`

const knowDevice = "INSERT OR IGNORE INTO accounts (source, device, seq, sent, terms) VALUES (?, ?, -1, 0, '{}')"

const upsertAccount = `INSERT INTO accounts (source, device, seq, sent, terms) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET seq = excluded.seq, sent = excluded.sent, terms = excluded.terms WHERE excluded.seq > seq`

const upsertPart = `INSERT INTO parts (series, start, length, source, rev, count, refused, late, n, at_ms, row)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (series, start, length, source) DO UPDATE SET rev = excluded.rev, count = excluded.count,
    refused = excluded.refused, changes = changes + 1, n = excluded.n, at_ms = excluded.at_ms,
    row = coalesce(excluded.row, row)
  WHERE excluded.rev > rev OR (excluded.rev = rev AND refused = 1 AND row IS NULL AND excluded.refused = 0)`

const upsertCompleteness = `INSERT INTO completeness
  (source, device, start, length, boot, rev, first_seq, last_seq, messages, n, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (device, start, length, source, boot) DO UPDATE SET rev = excluded.rev, first_seq = excluded.first_seq,
    last_seq = excluded.last_seq, messages = excluded.messages, changes = changes + 1, n = excluded.n, at_ms = excluded.at_ms
  WHERE excluded.rev > rev`

export function sourceRow({ id, site, agent, spool }: SourceState, received: Uint8Array, atMs: number): SqlValue[] {
  return [id, site, agent, spool, received, atMs]
}

export function seriesRow({ id, site, device, metric }: SeriesState, part: PartRow): SqlValue[] {
  return [id, site, device, metric, part.unit, part.lastTs, part.last]
}

/** Place in the log and time of what is being written. */
export interface Stamp {
  n: number
  atMs: number
}

export function partRow(
  key: { series: number; source: number; late: boolean },
  part: PartRow,
  stamp: Stamp,
): SqlValue[] {
  const { start, lengthMs, rev, count, values } = part
  const refused = values === null ? 1 : 0
  const late = key.late ? 1 : 0
  return [key.series, start, lengthMs, key.source, rev, count, refused, late, stamp.n, stamp.atMs, values]
}

export function completenessRow(source: number, part: CompletenessPart, { n, atMs }: Stamp): SqlValue[] {
  const { device, start, lengthMs, boot, rev, firstSeq, lastSeq, messages } = part
  return [source, device, start, lengthMs, boot ?? '', rev, firstSeq, lastSeq, messages, n, atMs]
}

export function accountRow(source: number, seq: number, { device, sent, terms }: DeviceTerms): SqlValue[] {
  return [source, device, seq, sent, JSON.stringify(terms)]
}

/** What a group of messages changes, collected table by table. */
export class GroupRows {
  readonly sources: SqlValue[][] = []
  readonly epochs: SqlValue[][] = []
  readonly series: SqlValue[][] = []
  readonly devices: SqlValue[][] = []
  readonly accounts: SqlValue[][] = []
  readonly parts: SqlValue[][] = []
  readonly completeness: SqlValue[][] = []
  readonly bodies: SqlValue[][] = []
  readonly traces: SqlValue[][] = []

  /** In the order that the triggers need: devices before the parts that add to their accounts. */
  statements(): Statement[] {
    const list: Statement[] = [
      { sql: upsertSource, rows: this.sources },
      { sql: upsertEpoch, rows: this.epochs },
      { sql: upsertSeries, rows: this.series },
      { sql: knowDevice, rows: this.devices },
      { sql: upsertAccount, rows: this.accounts },
      { sql: upsertPart, rows: this.parts },
      { sql: upsertCompleteness, rows: this.completeness },
      { sql: 'INSERT INTO bodies VALUES (?, ?, ?, ?)', rows: this.bodies },
      { sql: insertTrace, rows: this.traces },
    ]
    return list.filter(({ rows }) => rows.length > 0)
  }
}
