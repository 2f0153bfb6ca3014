import type { SqlValue, Statement } from '@millrace/spool'
import type { BodyHead } from '../received.ts'

/**
 * Where and when, for people who ask: of each message with rows the place of its last row in the log, so that a part
 * finds its message by its own place; of each store which place it had reached when. Nothing else depends on them.
 */
export const traceTables: readonly string[] = [
  `CREATE TABLE message_traces (n INTEGER PRIMARY KEY, source INTEGER NOT NULL, seq INTEGER NOT NULL,
    epoch TEXT NOT NULL, made REAL, settings TEXT, received_ms REAL NOT NULL, at_ms REAL NOT NULL) STRICT`,
  `CREATE TABLE store_traces (store TEXT NOT NULL, slot INTEGER NOT NULL, n INTEGER NOT NULL, at_ms REAL NOT NULL,
    PRIMARY KEY (store, slot)) STRICT, WITHOUT ROWID`,
]

export const insertTrace = 'INSERT OR REPLACE INTO message_traces VALUES (?, ?, ?, ?, ?, ?, ?, ?)'

export function traceRow(
  source: number,
  { seq, epoch, made, settingsHash }: BodyHead,
  { n, atMs, receivedMs }: { n: number; atMs: number; receivedMs: number },
): SqlValue[] {
  return [n, source, seq, epoch, made ?? null, settingsHash ?? null, receivedMs, atMs]
}

/** One row per store and so long: what it had taken by the end of it. */
const slotMs = 5_000

const noteStore = `INSERT INTO store_traces VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET n = max(n, excluded.n), at_ms = excluded.at_ms`

export function passed(store: string, n: number, atMs: number): Statement[] {
  return [{ sql: noteStore, rows: [[store, Math.floor(atMs / slotMs), n, atMs]] }]
}

export function purgeTraces(beforeMs: number): Statement[] {
  return ['message_traces', 'store_traces'].map((table) => {
    return { sql: `DELETE FROM ${table} WHERE at_ms < ?`, rows: [[beforeMs]] }
  })
}
