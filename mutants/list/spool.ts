import { type Mutant, wrong } from '../mutant.ts'

const source = 'packages/spool/src'

export const spool: readonly Mutant[] = [
  ...wrong(`${source}/modules/outbox.ts`, `${source}/modules/outbox.test.ts`, [
    ['outbox-oldest-first', 'ORDER BY o.id DESC LIMIT ?', 'ORDER BY o.id LIMIT ?'],
    ['outbox-ignores-forerunners', 'AND (o.after IS NULL OR $', 'AND (1 OR o.after IS NULL OR $'],
    ['outbox-settles-without-the-end', 'seq BETWEEN ? AND ?', 'seq >= ? AND seq < ?'],
    ['outbox-settles-every-site', 'WHERE site = ? AND seq BETWEEN ? AND ?', 'WHERE ? <> 1 AND seq BETWEEN ? AND ?'],
    ['outbox-numbers-restart', 'seq = max(seq, excluded.seq)', 'seq = excluded.seq - 1'],
  ]),
  ...wrong(`${source}/modules/journal.ts`, `${source}/modules/small-modules.test.ts`, [
    ['journal-drops-one-more', 'DELETE FROM journal WHERE id <= ?', 'DELETE FROM journal WHERE id <= ? + 1'],
    ['journal-keeps-the-last', 'DELETE FROM journal WHERE id <= ?', 'DELETE FROM journal WHERE id < ?'],
    ['journal-out-of-order', 'WHERE id > ? ORDER BY id LIMIT ?', 'WHERE id > ? ORDER BY id DESC LIMIT ?'],
  ]),
  ...wrong(`${source}/modules/cursors.ts`, `${source}/modules/small-modules.test.ts`, [
    ['cursor-never-moves', 'ON CONFLICT DO UPDATE SET position = excluded.position', 'ON CONFLICT DO NOTHING'],
  ]),
  ...wrong(`${source}/modules/dead-letters.ts`, `${source}/modules/dead-letters.test.ts`, [
    ['dead-letter-body-unbounded', 'body.subarray(0, maxBodyBytes)', 'body'],
    ['dead-letters-unbounded', '    { sql: trimLetters, rows: groups.map(([reason]) => [reason]) },\n', ''],
    ['dead-letter-count-falls', 'readings = readings + excluded.readings', 'readings = excluded.readings'],
    ['dead-letters-first-not-kept', 'WHERE reason = ?1 AND nth > $', 'WHERE reason = ?1 AND 0 * nth >= 0 * $'],
  ]),
  ...wrong(`${source}/database.ts`, `${source}/full.test.ts`, [
    ['reserve-for-everybody', 'if (!reserve && usedAfter > openPages && usedAfter > used) throw fullError()', ''],
    ['full-spool-cannot-be-emptied', ' && usedAfter > used) throw', ') throw'],
    ['spool-without-a-limit', 'Math.max(1, Math.floor(maxBytes / pageBytes))', '1073741823'],
  ]),
  ...wrong(`${source}/database.ts`, `${source}/spool.test.ts`, [
    [
      'half-a-transaction-stays',
      "if (database.isTransaction) prepare('ROLLBACK').run()",
      "if (database.isTransaction) prepare('COMMIT').run()",
    ],
  ]),
  ...wrong(`${source}/lock.ts`, `${source}/lock.test.ts`, [['two-services-on-a-folder', 'BEGIN EXCLUSIVE', 'BEGIN']]),
]
