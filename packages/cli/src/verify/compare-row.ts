import { type ApiSummary, findMetric } from '@millrace/contracts'
import type { WindowFacts } from './window-facts.ts'

export interface FieldDifference {
  field: string
  expected: number | null | string
  found: number | null | string
}

const exactFields = ['count', 'min', 'max', 'first', 'firstTs', 'last', 'lastTs'] as const
const percentileFields = ['p50', 'p95', 'p99'] as const

/** Sums may differ by rounding: by at most this part of sum|x|. */
const roundingPart = 1e-12

function exactly(fields: readonly (keyof WindowFacts & keyof ApiSummary)[], facts: WindowFacts, row: ApiSummary) {
  return fields
    .filter((field) => facts[field] !== row[field])
    .map((field) => ({ field, expected: facts[field], found: row[field] }))
}

function nearly(facts: WindowFacts, row: ApiSummary): FieldDifference[] {
  const allowed = roundingPart * facts.sumAbs
  const far = (expected: number | null, found: number | null, by: number) =>
    expected === null || found === null ? expected !== found : !(Math.abs(expected - found) <= by)
  const differences: FieldDifference[] = []
  for (const field of ['sum', 'mean', 'stddev', 'increase'] as const) {
    const by = field === 'mean' ? allowed / facts.count : allowed
    if (far(facts[field], row[field], by)) differences.push({ field, expected: facts[field], found: row[field] })
  }
  return differences
}

/** Fields in which a stored row differs from what it must say; percentiles of merged parts are estimates and left out. */
export function compareRow(facts: WindowFacts, row: ApiSummary): FieldDifference[] {
  return [
    ...exactly(exactFields, facts, row),
    ...nearly(facts, row),
    ...(row.parts > 1 ? [] : exactly(percentileFields, facts, row)),
  ]
}

/** A row's unit is that of its metric in the catalogue; nothing is said where the row does not tell it. */
export function compareUnit(metric: string, found: string | undefined): FieldDifference[] {
  const expected = findMetric(metric)?.unit ?? ''
  return found === undefined || found === expected ? [] : [{ field: 'unit', expected, found }]
}
