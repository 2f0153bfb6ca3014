import type { Spool } from '@millrace/spool'
import { keepPartsMs } from './group.ts'
import { purgeTraces } from './traces.ts'

const rowsPerStep = 10_000
/** Of an alert that is over, since its last change. */
const keepAlertsMs = 90 * 24 * 3_600_000

/** All parts of a window go together, so that a later revision of one of them never stands for the whole. */
const old: Record<string, string> = {
  parts: `n <= ?1 AND at_ms < ?2 AND NOT EXISTS (SELECT 1 FROM parts AS q WHERE q.series = parts.series
    AND q.start = parts.start AND q.length = parts.length AND (q.at_ms >= ?2 OR q.n > ?1))`,
  completeness: `n <= ?1 AND at_ms < ?2 AND NOT EXISTS (SELECT 1 FROM completeness AS q
    WHERE q.device = completeness.device AND q.start = completeness.start AND q.length = completeness.length
    AND (q.at_ms >= ?2 OR q.n > ?1))`,
}

async function drop(spool: Spool, table: string, params: readonly number[]): Promise<void> {
  const find = `SELECT rowid FROM ${table} WHERE ${old[table]} ORDER BY n LIMIT ${rowsPerStep}`
  while ((await spool.read(`SELECT EXISTS (${find})`, params))[0]?.[0] === 1) {
    await spool.write([{ sql: `DELETE FROM ${table} WHERE rowid IN (${find})`, rows: [params] }], { reserve: true })
  }
}

/**
 * Drops what is 48 h past its last change and taken by every store; `takenUpTo` is the place in the log that the
 * slowest store has reached.
 */
export async function purge(spool: Spool, { nowMs, takenUpTo }: { nowMs: number; takenUpTo: number }): Promise<void> {
  const before = nowMs - keepPartsMs
  for (const table of Object.keys(old)) await drop(spool, table, [takenUpTo, before])
  const bodies = { sql: 'DELETE FROM bodies WHERE at_ms < ?', rows: [[before]] }
  await spool.write([bodies, ...purgeTraces(before)], { reserve: true })
}

/** Drops alerts that were over 90 days ago and have been taken by every store. */
export async function purgeAlerts(
  spool: Spool,
  { nowMs, takenUpTo }: { nowMs: number; takenUpTo: number },
): Promise<void> {
  const sql = "DELETE FROM alerts WHERE state <> 'active' AND at_ms < ? AND n <= ?"
  await spool.write([{ sql, rows: [[nowMs - keepAlertsMs, takenUpTo]] }], { reserve: true })
}
