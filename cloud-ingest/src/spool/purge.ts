import type { Spool } from '@millrace/spool'
import { keepPartsMs } from './group.ts'

const rowsPerStep = 10_000

/** All parts of a window go together, so that a later revision of one of them never stands for the whole. */
const oldParts = `DELETE FROM parts WHERE rowid IN (SELECT p.rowid FROM parts AS p WHERE p.n <= ?1 AND p.at_ms < ?2
  AND NOT EXISTS (SELECT 1 FROM parts AS q WHERE q.series = p.series AND q.start = p.start AND q.length = p.length
    AND (q.at_ms >= ?2 OR q.n > ?1)) ORDER BY p.n LIMIT ${rowsPerStep})`

const oldCompleteness = `DELETE FROM completeness WHERE rowid IN (SELECT p.rowid FROM completeness AS p
  WHERE p.n <= ?1 AND p.at_ms < ?2 AND NOT EXISTS (SELECT 1 FROM completeness AS q WHERE q.device = p.device
    AND q.start = p.start AND q.length = p.length AND (q.at_ms >= ?2 OR q.n > ?1)) ORDER BY p.n LIMIT ${rowsPerStep})`

const oldBodies = `DELETE FROM bodies WHERE (source, seq) IN
  (SELECT source, seq FROM bodies WHERE at_ms < ?2 AND ?1 >= 0 LIMIT ${rowsPerStep})`

/**
 * Drops what is 48 h past its last change and taken by every store; `takenUpTo` is the place in the log that the
 * slowest store has reached.
 */
export async function purge(spool: Spool, { nowMs, takenUpTo }: { nowMs: number; takenUpTo: number }): Promise<void> {
  for (const sql of [oldParts, oldCompleteness, oldBodies]) {
    for (;;) {
      await spool.write([{ sql, rows: [[takenUpTo, nowMs - keepPartsMs]] }], { reserve: true })
      const [changed] = await spool.read('SELECT changes()')
      if (Number(changed?.[0]) < rowsPerStep) break
    }
  }
}
