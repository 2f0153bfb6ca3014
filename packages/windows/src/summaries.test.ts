import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { directory, minuteMs, readingColumns, type TestReading, t0 } from '../testing/harness.ts'
import type { MergeRow, SetRows, SummaryValues } from './keeper-types.ts'
import { mergeRows } from './merge-rows.ts'
import { nearestRank } from './nearest-rank.ts'
import { removeRepeats, sortRows } from './set-order.ts'
import { summarize } from './summarize.ts'

const window = { start: 0, lengthMs: 60_000 }
const numRuns = 300

function setOf(rows: readonly TestReading[]): SetRows {
  return removeRepeats(sortRows(readingColumns(rows), directory.bootName)).rows
}

function summaryOf(values: readonly number[], kind: 'gauge' | 'counter' = 'gauge', from = 0): SummaryValues {
  return summarize(setOf(values.map((value, i) => ({ series: 10, ts: from + i, value }))), { kind, ...window })
}

const value = fc.oneof(
  fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  fc.integer({ min: -1000, max: 1000 }).map((n) => n / 8),
)
const values = fc.array(value, { minLength: 1, maxLength: 60 })

/** The same key in words: independent of how the set finds it. */
function keyOf({ ts, seq, boot, value: v, flags }: TestReading, i: number): string {
  if (seq !== undefined && boot) return `boot ${boot} ${seq}`
  if (flags) return `none ${i}`
  return seq === undefined ? `value ${ts} ${v}` : `seq ${seq} ${ts}`
}

function inOrder(a: TestReading, b: TestReading): number {
  const name = (boot: number | undefined) => (boot ? directory.bootName(boot) : '')
  const text = (x: string, y: string) => (x < y ? -1 : Number(x > y))
  return (
    a.ts - b.ts ||
    text(name(a.boot), name(b.boot)) ||
    (a.seq ?? -1) - (b.seq ?? -1) ||
    a.value - b.value ||
    Number(Object.is(b.value, -0)) - Number(Object.is(a.value, -0)) ||
    (a.flags ?? 0) - (b.flags ?? 0)
  )
}

describe('a set', () => {
  it('holds the first of each key in order of time, boot name, seq and value', () => {
    const reading = fc.record({
      series: fc.constant(10),
      ts: fc.nat(3),
      value: fc.constantFrom(0, -0, 1, 2),
      seq: fc.option(fc.nat(3), { nil: undefined }),
      boot: fc.nat(2),
      flags: fc.constantFrom(0, 0, 1),
    })
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 25 }), (rows) => {
        const byKey = new Map<string, TestReading>()
        for (const [i, row] of rows.toSorted(inOrder).entries()) {
          if (!byKey.has(keyOf(row, i))) byKey.set(keyOf(row, i), row)
        }
        const { series: _, ...expected } = readingColumns([...byKey.values()])
        const { length, ts, seq, boot, value: v, flags } = setOf(rows)
        expect({ length, ts, seq, boot, value: v, flags }).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a summary', () => {
  it('has the percentiles of the definition: the smallest value that a share q of all does not exceed', () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const sorted = numbers.toSorted((a, b) => a - b)
        const summary = summaryOf(numbers)
        for (const [percent, answer] of [[50, summary.p50] as const, [95, summary.p95], [99, summary.p99]]) {
          const exact = sorted.find((_, i) => (i + 1) * 100 >= percent * sorted.length)!
          expect(answer).toBe(exact + 0)
        }
      }),
      { numRuns },
    )
  })

  it('has ranks that whole shares of large counts hit exactly', () => {
    for (let n = 1; n <= 5000; n += 1) {
      for (const percent of [1, 7, 50, 95, 99, 100]) {
        const rank = Number((BigInt(percent) * BigInt(n) + 99n) / 100n)
        expect(nearestRank(percent / 100, n)).toBe(rank - 1)
      }
    }
    expect(nearestRank(0, 5)).toBe(0)
  })

  it('has count, extremes and ends exactly and moments to 1e-12 of the sum of sizes', () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const summary = summaryOf(numbers)
        const size = numbers.reduce((sum, v) => sum + Math.abs(v), 0)
        const sum = numbers.reduce((total, v) => total + v, 0)
        const scale = Math.max(...numbers.map(Math.abs)) || 1
        const mean = sum / numbers.length
        const stddev = scale * Math.sqrt(numbers.reduce((s, v) => s + ((v - mean) / scale) ** 2, 0) / numbers.length)
        expect(summary.count).toBe(numbers.length)
        expect([summary.min, summary.max]).toEqual([Math.min(...numbers) + 0, Math.max(...numbers) + 0])
        expect([summary.first, summary.last]).toEqual([numbers[0]! + 0, numbers.at(-1)! + 0])
        expect([summary.firstTs, summary.lastTs]).toEqual([0, numbers.length - 1])
        expect(Math.abs(summary.sum - sum)).toBeLessThanOrEqual(1e-12 * size)
        expect(Math.abs(summary.mean - mean)).toBeLessThanOrEqual(1e-12 * size)
        // Squares of distances under 1e-150 are below the smallest double.
        expect(Math.abs(summary.stddev - stddev)).toBeLessThanOrEqual(1e-12 * size + 1e-150)
        expect(summary.mean >= summary.min && summary.mean <= summary.max).toBe(true)
      }),
      { numRuns },
    )
  })

  it('sums without losing small terms beside large ones, and a constant has no deviation', () => {
    expect(summaryOf([1e16, 1, -1e16]).sum).toBe(1)
    const constant = summaryOf(Array.from({ length: 1000 }, () => 0.1))
    expect([constant.mean, constant.stddev]).toEqual([0.1, 0])
  })

  it('counts the growth of a counter over resets, and of nothing else', () => {
    expect(summaryOf([5, 7, 7, 2, 3], 'counter').increase).toBe(2 + 0 + 2 + 1)
    expect(summaryOf([5], 'counter').increase).toBe(0)
    expect(summaryOf([5, 7]).increase).toBeNull()
  })

  it('ignores what columns hold beyond the set’s length', () => {
    const rows = readingColumns([412, 586, 3].map((v, i) => ({ series: 15, ts: i, value: v })))
    const one = readingColumns([{ series: 15, ts: 0, value: 412 }])
    const context = { kind: 'counter' as const, ...window }
    expect(summarize({ ...rows, length: 1 }, context)).toEqual(summarize(one, context))
  })

  it('says 0 for -0, as JSON does', () => {
    expect(JSON.parse(JSON.stringify(summaryOf([-0])))).toEqual(summaryOf([-0]))
  })
})

describe('merging rows', () => {
  const exactFields = ({ count, min, max, first, firstTs, last, lastTs, sketch, p50, p95, p99 }: MergeRow) => {
    return { count, min, max, first, firstTs, last, lastTs, sketch, p50, p95, p99 }
  }

  it('gives the same count, extremes, ends and sketch in any grouping and order, and the moments of the union', () => {
    const part = fc.tuple(values, fc.nat(200))
    fc.assert(
      fc.property(part, part, part, (...parts) => {
        const [a, b, c] = parts.map(([numbers, from]) => summaryOf(numbers, 'gauge', from)) as [
          MergeRow,
          MergeRow,
          MergeRow,
        ]
        const all = mergeRows([a, b, c], window)
        for (const grouped of [
          mergeRows([mergeRows([a, b], window), c], window),
          mergeRows([c, mergeRows([b, a], window)], window),
          mergeRows([mergeRows([c, a], window), b], window),
        ]) {
          expect(exactFields(grouped)).toEqual(exactFields(all))
        }
        const numbers = parts.flatMap(([v]) => v)
        const union = summaryOf(numbers)
        const size = numbers.reduce((sum, v) => sum + Math.abs(v), 0)
        expect([all.count, all.min, all.max]).toEqual([union.count, union.min, union.max])
        expect(all.sketch).toBe(union.sketch)
        for (const field of ['sum', 'mean', 'stddev'] as const) {
          expect(Math.abs(all[field] - union[field])).toBeLessThanOrEqual(1e-12 * size + 1e-150)
        }
      }),
      { numRuns },
    )
  })

  it('has percentiles within 1 % of the exact ones and never beyond the extremes', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = mergeRows([summaryOf(a), summaryOf(b)], window)
        const union = summaryOf([...a, ...b])
        for (const field of ['p50', 'p95', 'p99'] as const) {
          const allowed = Math.abs(union[field]) * 0.01 * (1 + 1e-9) + 1e-300
          expect(Math.abs(merged[field] - union[field])).toBeLessThanOrEqual(allowed)
          expect(merged[field] >= merged.min && merged[field] <= merged.max).toBe(true)
        }
      }),
      { numRuns },
    )
  })

  it('of minutes adds the steps between them to a counter’s increase, as one set of all readings has it', () => {
    const total = fc.array(fc.nat(1000), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(total, total, total, (a, b, c) => {
        const rows = [summaryOf(b, 'counter', 100), summaryOf(c, 'counter', 200), summaryOf(a, 'counter', 0)]
        expect(mergeRows(rows, window).increase).toBe(summaryOf([...a, ...b, ...c], 'counter').increase)
      }),
      { numRuns },
    )
  })

  it('leaves one row alone as it is and adds up what was amended, doubled and unstamped', () => {
    const row: MergeRow = { ...summaryOf([1, 2]), amended: 1, duplicate: 2, unstamped: 3 }
    const hour = { start: 0, lengthMs: 3_600_000 }
    expect(mergeRows([row], hour)).toEqual({ ...row, ...hour })
    expect(mergeRows([row, row], hour)).toMatchObject({ amended: 2, duplicate: 4, unstamped: 6, ...hour })
    expect(() => mergeRows([], hour)).toThrow(RangeError)
  })
})

it('the first and last of merged rows are those of the earliest and the latest, whatever their order', () => {
  const rowOf = (ts: number, first: number, last: number) => ({
    ...summarize(
      readingColumns([
        { series: 10, ts, value: first },
        { series: 10, ts: ts + 9, value: last },
      ]),
      {
        ...{ kind: 'gauge', start: t0, lengthMs: minuteMs },
      },
    ),
  })
  const rows = [rowOf(t0 + 100, 3, 4), rowOf(t0, 1, 2), rowOf(t0 + 200, 5, 6)]
  const merged = { first: 1, firstTs: t0, last: 6, lastTs: t0 + 209 }
  for (const order of [rows, rows.toReversed()])
    expect(mergeRows(order, { start: t0, lengthMs: minuteMs })).toMatchObject(merged)
})
