import type { ApiSummary } from '@millrace/contracts'
import type { FieldDifference } from './compare-row.ts'
import { CarefulSum } from './window-facts.ts'

const sumOf = (rows: readonly ApiSummary[], of: (row: ApiSummary) => number) => {
  const sum = new CarefulSum()
  for (const row of rows) sum.add(of(row))
  return sum.total
}

const roundingPart = 1e-12
/** Deviations are differences of large numbers, so they keep fewer digits. */
const deviationPart = 1e-9

/** Where several minutes have one time, the lowest value is first and the highest last. */
function endsOf(rows: readonly ApiSummary[]) {
  const [first] = rows.toSorted((a, b) => a.firstTs - b.firstTs || a.first - b.first)
  const last = rows.toSorted((a, b) => a.lastTs - b.lastTs || a.last - b.last).at(-1)
  return { first: first!.first, firstTs: first!.firstTs, last: last!.last, lastTs: last!.lastTs }
}

function increaseOf(rows: readonly ApiSummary[]): number | null {
  if (rows.some(({ increase }) => increase === null)) return null
  const ordered = rows.toSorted((a, b) => a.firstTs - b.firstTs || a.lastTs - b.lastTs || a.first - b.first)
  const sum = new CarefulSum()
  for (const [index, row] of ordered.entries()) {
    sum.add(row.increase!)
    const before = ordered[index - 1]
    // A counter that fell began again from zero.
    if (before) sum.add(row.first >= before.last ? row.first - before.last : row.first)
  }
  return sum.total
}

type Field = readonly [field: keyof ApiSummary, expected: number | null, allowed: number]

function expectedFields(minutes: readonly ApiSummary[]): Field[] {
  const count = sumOf(minutes, (row) => row.count)
  const sum = sumOf(minutes, (row) => row.sum)
  const [min, max] = [Math.min(...minutes.map((row) => row.min)), Math.max(...minutes.map((row) => row.max))]
  const mean = sum / count
  const squares = sumOf(minutes, (row) => row.count * (row.stddev ** 2 + (row.mean - mean) ** 2))
  const scale = sumOf(minutes, (row) => row.count * Math.max(Math.abs(row.min), Math.abs(row.max)))
  const increase = increaseOf(minutes)
  return [
    ...Object.entries({ count, min, max, ...endsOf(minutes) }).map(
      ([field, expected]) => [field as keyof ApiSummary, expected, 0] as const,
    ),
    ['sum', sum, roundingPart * scale],
    ['mean', mean, (roundingPart * scale) / count],
    ['stddev', Math.sqrt(squares / count), deviationPart * (max - min) + (roundingPart * scale) / count],
    ['increase', increase, roundingPart * (scale + Math.abs(increase ?? 0))],
    ...(['amended', 'duplicate', 'unstamped'] as const).map(
      (field) => [field, sumOf(minutes, (row) => row[field]), 0] as const,
    ),
  ]
}

/** Fields in which the row of an hour or a day differs from the merge of its minutes, of which there is at least one. */
export function compareMerge(minutes: readonly ApiSummary[], row: ApiSummary): FieldDifference[] {
  return expectedFields(minutes).flatMap(([field, expected, allowed]) => {
    const found = row[field] as number | null
    const same = expected === null || found === null ? expected === found : Math.abs(found - expected) <= allowed
    return same ? [] : [{ field, expected, found }]
  })
}
