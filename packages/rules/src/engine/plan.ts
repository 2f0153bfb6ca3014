import type { SummaryField } from '../definition/schema.ts'
import type { CompiledRule, WindowRow } from '../types.ts'
import { formulaOf } from './kinds/index.ts'

type Read = (row: WindowRow) => number | null

/** Looking a field up by its name is several times slower than this, and is done for every window. */
export const readers: Record<SummaryField, Read> = {
  mean: (row) => row.mean,
  min: (row) => row.min,
  max: (row) => row.max,
  first: (row) => row.first,
  last: (row) => row.last,
  p50: (row) => row.p50,
  p95: (row) => row.p95,
  p99: (row) => row.p99,
  sum: (row) => row.sum,
  count: (row) => row.count,
  stddev: (row) => row.stddev,
  increase: (row) => row.increase,
}

/** A window whose field lies in here is good to every threshold rule on that field. */
export interface Guard {
  read: Read
  low: number
  high: number
}

export interface Threshold {
  rule: CompiledRule
  field: SummaryField
}

/** What is to be done with the windows of a series: the same object for all series that the same rules select. */
export interface Plan {
  thresholds: readonly Threshold[]
  guards: readonly Guard[]
  /** Rules that judge by other windows too. */
  derived: readonly CompiledRule[]
  groups: readonly CompiledRule[]
  readings: readonly CompiledRule[]
  /** Fields whose values are remembered, and how far beyond the horizon, ms. */
  remembered: ReadonlyMap<SummaryField, number>
  /** Whether any rule judges the windows. */
  judges: boolean
}

function guardsOf(thresholds: readonly Threshold[]): Guard[] {
  const guards = new Map<SummaryField, Guard>()
  for (const { rule, field } of thresholds) {
    const { low, high } = guards.get(field) ?? { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY }
    const { clearLow, clearHigh } = rule.bounds
    guards.set(field, { read: readers[field], low: Math.max(low, clearLow), high: Math.min(high, clearHigh) })
  }
  return [...guards.values()]
}

function rememberedBy(derived: readonly CompiledRule[], groups: readonly CompiledRule[]): Map<SummaryField, number> {
  const remembered = new Map<SummaryField, number>()
  const remember = (field: SummaryField, reachMs: number) =>
    remembered.set(field, Math.max(reachMs, remembered.get(field) ?? 0))
  for (const { definition } of derived) {
    const formula = formulaOf(definition.kind)!
    for (const field of formula.fields(definition)) remember(field, formula.reachMs(definition))
  }
  for (const { definition } of groups) if (definition.kind === 'group') remember(definition.field, 0)
  return remembered
}

function planOf(rules: readonly CompiledRule[]): Plan {
  const onReadings = ({ definition }: CompiledRule) => definition.kind === 'threshold' && definition.on === 'reading'
  const thresholds = rules.flatMap((rule): Threshold[] =>
    rule.definition.kind === 'threshold' && !onReadings(rule) ? [{ rule, field: rule.definition.field ?? 'mean' }] : [],
  )
  const derived = rules.filter(({ kind }) => formulaOf(kind))
  const groups = rules.filter(({ kind }) => kind === 'group')
  return {
    ...{ thresholds, guards: guardsOf(thresholds), derived, groups, readings: rules.filter(onReadings) },
    remembered: rememberedBy(derived, groups),
    judges: thresholds.length + derived.length + groups.length > 0,
  }
}

const ofSeries: ReadonlySet<string> = new Set(['threshold', 'rate', 'increase', 'group', 'deviation'])

/** Plans of the rules in force, made once for each choice of rules. */
export class Plans {
  readonly #rules: readonly CompiledRule[]
  readonly #known = new Map<string, Plan>()

  constructor(rules: readonly CompiledRule[]) {
    this.#rules = rules.filter(({ kind }) => ofSeries.has(kind))
  }

  of(series: { site: string; device: string; metric: string }): Plan {
    const selected = this.#rules.filter((rule) => rule.selects(series))
    const key = selected.map(({ id }) => id).join('/')
    let plan = this.#known.get(key)
    if (plan === undefined) {
      plan = planOf(selected)
      this.#known.set(key, plan)
    }
    return plan
  }
}
