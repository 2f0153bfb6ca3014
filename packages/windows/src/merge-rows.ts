import { ExactSum } from './exact-sum.ts'
import type { MergeRow } from './keeper-types.ts'
import { mergeSketches, sketchQuantile } from './sketch.ts'
import { clamp, counterStep } from './summarize.ts'

/**
 * One row of several of the same series: parts of a window, minutes of an hour, hours of a day. Count, extremes, first,
 * last and sketch are the same in any grouping and order; sums up to rounding. Percentiles come from the sketch, within
 * 1 %, clamped to the extremes. One row alone stays as it is, in the new window. Throws RangeError without rows.
 */
export function mergeRows(rows: readonly MergeRow[], window: { start: number; lengthMs: number }): MergeRow {
  const [only, ...others] = rows
  if (!only) throw new RangeError('merging needs a row')
  if (others.length === 0) return { ...only, start: window.start, lengthMs: window.lengthMs }
  const min = Math.min(...rows.map((row) => row.min))
  const max = Math.max(...rows.map((row) => row.max))
  const sketch = mergeSketches(rows.map((row) => row.sketch))
  const percentile = (q: number) => clamp(sketchQuantile(sketch, q), min, max)
  return {
    start: window.start,
    lengthMs: window.lengthMs,
    ...mergedMoments(rows, min, max),
    min,
    max,
    ...ends(rows),
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    sketch,
    increase: mergedIncrease(rows),
    amended: sumOf(rows, (row) => row.amended),
    duplicate: sumOf(rows, (row) => row.duplicate),
    unstamped: sumOf(rows, (row) => row.unstamped),
  }
}

function sumOf(rows: readonly MergeRow[], term: (row: MergeRow) => number): number {
  const sum = new ExactSum()
  for (const row of rows) sum.add(term(row))
  return sum.value
}

/** Squares about the common mean from each row's own: n s^2 + n (m - M)^2 (Chan, Golub, LeVeque 1983, eq. 2.1). */
function mergedMoments(rows: readonly MergeRow[], min: number, max: number) {
  const count = sumOf(rows, (row) => row.count)
  const sum = sumOf(rows, (row) => row.sum)
  const mean = clamp(sum / count, min, max)
  const squares = sumOf(rows, (row) => row.count * (row.stddev ** 2 + (row.mean - mean) ** 2))
  return { count, sum, mean, stddev: Math.sqrt(squares / count) }
}

/** Where times are equal the lower value is first and the higher last, so that grouping does not matter. */
function ends(rows: readonly MergeRow[]): Pick<MergeRow, 'first' | 'firstTs' | 'last' | 'lastTs'> {
  const first = rows.reduce((a, b) => ((a.firstTs - b.firstTs || a.first - b.first) <= 0 ? a : b))
  const last = rows.reduce((a, b) => ((a.lastTs - b.lastTs || a.last - b.last) >= 0 ? a : b))
  return { first: first.first, firstTs: first.firstTs, last: last.last, lastTs: last.lastTs }
}

/** Adds the step from one row's last value to the next row's first; null unless every row has an increase. */
function mergedIncrease(rows: readonly MergeRow[]): number | null {
  const ordered = rows.toSorted((a, b) => a.firstTs - b.firstTs || a.lastTs - b.lastTs || a.first - b.first)
  const sum = new ExactSum()
  let before: MergeRow | undefined
  for (const row of ordered) {
    if (row.increase === null) return null
    sum.add(row.increase)
    if (before) sum.add(counterStep(before.last, row.first))
    before = row
  }
  return sum.value
}
