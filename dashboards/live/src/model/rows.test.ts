import type { ApiSummary } from '@millrace/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fakeFleet, rowOf } from '../../testing/signal.ts'
import { coveredUntil, firstEndingAfter, History, join, rowAt } from './rows.ts'

const minute = 60_000
const hour = 60 * minute
const series = fakeFleet(1)[0]
if (!series) throw new Error('no series')

const t0 = Date.UTC(2026, 10, 20, 12)
const row = (start: number, more: Partial<ApiSummary> = {}): ApiSummary => ({
  ...rowOf(series, start, { lengthMs: minute, until: start + minute }),
  rev: 0,
  ...more,
})
const open = (start: number) => row(start, { provisional: true, rev: null })

describe('stored, provisional and live on one axis', () => {
  test('a closed window replaces its provisional one, and an open one never hides a stored one', () => {
    const history = new History()
    history.put([row(t0), open(t0 + minute)])
    expect(history.joined.openFrom).toBe(t0 + minute)
    history.put([row(t0 + minute, { mean: 7 })])
    history.put([open(t0 + minute)])
    expect(history.joined.rows.map(({ mean, provisional }) => [mean, provisional]).at(-1)).toEqual([7, false])
    expect(history.joined.openFrom).toBe(t0 + 2 * minute)
  })

  test('an older revision never replaces a newer one', () => {
    const history = new History()
    history.put([row(t0, { rev: 2, mean: 2 })])
    history.put([row(t0, { rev: 1, mean: 1 })])
    expect(history.joined.rows[0]?.mean).toBe(2)
  })

  test('minutes behind the last hour row continue it where its data ends', () => {
    const filling = row(t0, { lengthMs: hour, lastTs: t0 + 5 * minute - 1 })
    const minutes = [3, 4, 5, 6].map((index) => row(t0 + index * minute))
    const { rows, openFrom } = join([...minutes, open(t0 + 7 * minute), filling])
    expect(rows.map(({ start }) => (start - t0) / minute)).toEqual([0, 5, 6, 7])
    expect(openFrom).toBe(t0 + 7 * minute)
    expect(coveredUntil({ ...filling, lastTs: t0 + 2 * hour })).toBe(t0 + hour)
  })

  test('a window reopened in the past leaves the live edge where it was', () => {
    const { rows, openFrom } = join([row(t0), row(t0 + minute), open(t0)])
    expect(rows.every(({ provisional }) => !provisional)).toBe(true)
    expect(openFrom).toBe(t0 + 2 * minute)
  })

  test('in any order of arrival no moment is covered twice and no stored row that fits is lost', () => {
    const starts = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1 })
    fc.assert(
      fc.property(starts, fc.integer({ min: 0, max: 40 }), (stored, openAt) => {
        const history = new History()
        for (const index of stored) history.put([row(t0 + index * minute), open(t0 + openAt * minute)])
        const { rows, openFrom } = history.joined
        for (let index = 1; index < rows.length; index++) {
          const before = rows[index - 1]
          if (before) expect(rows[index]?.start).toBeGreaterThanOrEqual(before.start + before.lengthMs)
        }
        expect(rows.filter(({ provisional }) => !provisional)).toHaveLength(stored.length)
        expect(openFrom).toBe(t0 + (Math.max(...stored) + 1) * minute)
      }),
    )
  })
})

test('the row under a moment is found, and gaps have none', () => {
  const { rows } = join([row(t0), row(t0 + 3 * minute)])
  expect(rowAt(rows, t0 + 59_999)?.start).toBe(t0)
  expect(rowAt(rows, t0 + minute)).toBeUndefined()
  expect(rowAt(rows, t0 + 3 * minute)?.start).toBe(t0 + 3 * minute)
  expect(rowAt(rows, t0 + 4 * minute)).toBeUndefined()
  expect(firstEndingAfter(rows, t0 + minute)).toBe(1)
})
