import { type Mutant, wrong } from '../mutant.ts'

const ingest = 'cloud-ingest/src'
const custody = `${ingest}/custody.test.ts`
const lines = `${ingest}/store/line-protocol.test.ts`

const spool = [
  ...wrong(`${ingest}/spool/statements.ts`, `${ingest}/accounts.test.ts`, [
    [
      'revision-not-counted',
      'changes = changes + 1, n = excluded.n, at_ms = excluded.at_ms,\n    row',
      'n = excluded.n, at_ms = excluded.at_ms,\n    row',
    ],
  ]),
  ...wrong(`${ingest}/spool/group.ts`, `${ingest}/accounts.test.ts`, [
    ['set-aside-for-each-row', 'if (sum) sum.count += count', 'if (false) sum.count += count'],
  ]),
  ...wrong(`${ingest}/spool/accounts.ts`, `${ingest}/accounts.test.ts`, [
    ['mismatch-while-missing', 'seq >= 0 && missingOf(source) === 0 ? Math.abs', 'seq >= 0 ? Math.abs'],
    ['mismatch-cancels-out', 'Math.abs(sent - held - refused)', 'Math.max(0, held + refused - sent)'],
  ]),
  ...wrong(`${ingest}/spool/purge.ts`, `${ingest}/spool/purge.test.ts`, [
    [
      'purge-does-not-wait-for-stores',
      'q.length = parts.length AND (q.at_ms >= ?2 OR q.n > ?1)',
      'q.length = parts.length AND (q.at_ms >= ?2)',
    ],
  ]),
  ...wrong(`${ingest}/spool/statements.ts`, custody, [
    ['older-revision-wins', 'WHERE excluded.rev > rev OR (', 'WHERE excluded.rev >= 0 OR ('],
    ['older-accounts-win', 'terms = excluded.terms WHERE excluded.seq > seq', 'terms = excluded.terms'],
  ]),
  ...wrong(`${ingest}/spool/intake.ts`, custody, [
    ['receipt-before-what-is-missing', 'const upTo = fromZero ? all[0]![1] : -1', 'const upTo = all.at(-1)![1]'],
  ]),
  ...wrong(`${ingest}/spool/group.ts`, custody, [
    ['conflict-unnoticed', 'else if (isOther(message, staged, earlier)) this', 'else if (false) this'],
  ]),
  ...wrong(`${ingest}/spool/tables.ts`, custody, [
    ['held-counts-the-refused', '.replaced) * (1 - ', '.replaced) * (1 - 0 * '],
  ]),
  ...wrong(`${ingest}/spool/accounts.ts`, custody, [
    ['missing-upstream-unseen', 'received.ranges().at(-1)![1] + 1 - received.count', '0'],
  ]),
]

const decode = [
  ...wrong(`${ingest}/decode/summary-rows.ts`, `${ingest}/accounts.test.ts`, [
    ['unaligned-window-taken', ' && start % lengthMs === 0', ''],
    ['reading-outside-its-window', 'row.lastTs < row.start + row.lengthMs', 'row.lastTs <= row.start + row.lengthMs'],
    // Also the earlier build whose refusals e2e/a-refused-row-is-replayed has replayed.
    ['sound-row-refused', 'row.count > 0 &&', 'row.count > 3 &&'],
  ]),
  ...wrong(`${ingest}/decode/index.ts`, `${ingest}/accounts.test.ts`, [
    ['speaks-for-another-agent', 'data.site !== topic.site || data.agent !== topic.agent', 'data.site !== topic.site'],
  ]),
]

const store = [
  ...wrong(`${ingest}/store/merge.ts`, `${ingest}/store/merge.test.ts`, [
    ['newest-part-is-the-first', 'a.n > b.n ? a : b', 'a.n < b.n ? a : b'],
    ['merged-row-keeps-its-rev', 'parts.reduce((sum, { changes }) => sum + changes + 1, -1)', '0'],
  ]),
  ...wrong(`${ingest}/store/feeder.ts`, `${ingest}/store/influxdb-faults.test.ts`, [
    [
      'cursor-before-the-write',
      '    const { rows, refusals } = await this.write(changes)\n',
      '    this.cursor = changes.upTo\n    const { rows, refusals } = await this.write(changes)\n',
    ],
    ['retry-without-a-pause', 'Math.max(askedMs, backoff(this.tries, retryLimits))', '0'],
    ['retry-after-ignored', 'Math.max(askedMs, backoff', 'Math.min(askedMs, backoff'],
  ]),
  ...wrong(`${ingest}/store/refusals.ts`, `${ingest}/store/influxdb-faults.test.ts`, [
    ['bad-line-takes-its-neighbours', 'const all = to - from === 1 ||', "const all = answer.kind === 'refused' ||"],
  ]),
  ...wrong(`${ingest}/store/line-protocol.ts`, lines, [
    [
      'quotes-unescaped',
      "text.replace(/[\"\\\\]/g, '\\\\$&').replace(/[\\r\\n]/g, ' ')",
      "text.replace(/[\\r\\n]/g, ' ')",
    ],
    ['line-break-in-a-text', ".replace(/[\\r\\n]/g, ' ')", ''],
    ['comma-in-a-tag', "return text.replace(/[,= ]/g, '\\\\$&')", 'return text'],
    ['head-of-another-agent', '  a.agent === b.agent &&\n', ''],
  ]),
  ...wrong(`${ingest}/store/line-buffer.ts`, lines, [
    ['minus-a-half-is-a-half', '    if (whole < 0) this.byte(0x2d)\n', ''],
    ['decimals-cut', 'let places = decimalPlaces', 'let places = decimalPlaces - 1'],
  ]),
  ...wrong(`${ingest}/store/late-parts.ts`, `${ingest}/late-parts.test.ts`, [
    ['late-part-replaces-others', 'if (own === undefined || (own.late && stored.parts > 1)) return undefined', ''],
  ]),
  ...wrong(`${ingest}/store/rollup.ts`, `${ingest}/amended-hours.test.ts`, [
    [
      'hour-forgets-a-minute',
      'mergeMinutes(span, minutes, lengthMs)',
      'mergeMinutes(span, minutes.slice(-1), lengthMs)',
    ],
  ]),
  ...wrong(`${ingest}/store/duckdb-store.ts`, `${ingest}/store/duckdb.test.ts`, [
    ['duckdb-range-with-its-end', 't.start >= rfrom AND t.start < rto', 't.start >= rfrom AND t.start <= rto'],
  ]),
]

export const cloudIngest: readonly Mutant[] = [...spool, ...decode, ...store]
