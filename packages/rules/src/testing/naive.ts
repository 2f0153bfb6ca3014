import type { Alert } from '@millrace/contracts'
import type { CompiledRule, RuleWindow } from '../types.ts'

/** What an alert comes to in the end, as a plain recount sees it. */
export interface Outcome {
  start: number
  raised: number
  end: number | null
  value: number | null
}

interface Judgement {
  from: number
  to: number
  value: number
}

type Limits = Record<'above' | 'below' | 'clear' | 'for' | 'over' | 'per', number | undefined> & { field?: string }

const day = 86_400_000
const hour = 3_600_000

/** The windows of one series that count: of each start the one with the highest revision. */
function finalOf(rows: readonly RuleWindow[]): RuleWindow[] {
  const starts = [...new Set(rows.map((row) => row.start))].sort((a, b) => a - b)
  return starts.map((start) => rows.filter((row) => row.start === start).reduce((a, b) => (b.rev > a.rev ? b : a)))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]!
  return sorted.length % 2 ? upper : (sorted[sorted.length / 2 - 1]! + upper) / 2
}

function fieldOf(row: RuleWindow | undefined, field = 'mean'): number | undefined {
  return row ? (row[field as 'mean'] ?? undefined) : undefined
}

function usualScore(rows: readonly RuleWindow[], row: RuleWindow, days: number): number | undefined {
  const hourStart = Math.floor(row.start / hour) * hour
  const same = rows.filter(({ start }) => {
    const back = (hourStart - Math.floor(start / hour) * hour) / day
    return Number.isInteger(back) && back >= 1 && back <= days
  })
  if (new Set(same.map(({ start }) => Math.floor(start / day))).size < Math.min(3, days)) return undefined
  const middle = median(same.map(({ mean }) => mean))
  const spread = 1.4826 * median(same.map(({ mean }) => Math.abs(mean - middle)))
  return (row.mean - middle) / Math.max(spread, 0.01)
}

function increaseUpTo(rows: readonly RuleWindow[], row: RuleWindow, over: number): number {
  const span = rows.filter(({ start }) => start > row.start - over && start <= row.start)
  return span.reduce((sum, each, at) => {
    const before = span[at - 1]
    const step = before ? (each.first >= before.last ? each.first - before.last : each.first) : 0
    return sum + step + each.increase!
  }, 0)
}

/** What the rule judges of each window, in order; windows it cannot judge are left out. */
function judgements(rule: CompiledRule, rows: readonly RuleWindow[]): Judgement[] {
  const limits = rule.definition as unknown as Limits & { days: number }
  const judgedOf = (row: RuleWindow): number | undefined => {
    if (rule.kind === 'threshold') return fieldOf(row, limits.field)
    if (rule.kind === 'deviation') return usualScore(rows, row, limits.days)
    const over = limits.over ?? row.lengthMs
    if (rule.kind === 'rate') {
      const before = rows.find(({ start }) => start === row.start - over)
      return before && ((fieldOf(row, limits.field)! - fieldOf(before, limits.field)!) * limits.per!) / over
    }
    const sum = increaseUpTo(rows, row, over)
    const complete = rows.some(({ start }) => start === row.start + row.lengthMs - over)
    return complete || sum > (limits.above ?? Number.POSITIVE_INFINITY) ? sum : undefined
  }
  return rows.flatMap((row) => {
    const value = judgedOf(row)
    return value === undefined ? [] : [{ from: row.start, to: row.start + row.lengthMs, value }]
  })
}

/** Members of a group: the aggregate of what each window has, but the newest only if all have it. */
export function groupRows(rows: readonly RuleWindow[], of: (values: number[]) => number): RuleWindow[] {
  const devices = [...new Set(rows.map(({ device }) => device))].sort()
  const finals = devices.flatMap((device) => finalOf(rows.filter((row) => row.device === device)))
  const starts = [...new Set(finals.map(({ start }) => start))].sort((a, b) => a - b)
  return starts.flatMap((start) => {
    const members = finals.filter((row) => row.start === start)
    if (members.length < devices.length && start === starts.at(-1)) return []
    return [{ ...members[0]!, rev: 0, mean: of(members.map(({ mean }) => mean)) }]
  })
}

/** Episodes by looking at each bad window in turn: how far back its row of bad ones goes, and where a good one ends it. */
export function recount(rule: CompiledRule, windows: readonly RuleWindow[]): Outcome[] {
  const all = judgements(rule, finalOf(windows))
  const { low, high, clearLow, clearHigh } = rule.bounds
  const isBad = ({ value }: Judgement) => value < low || value > high
  const isGood = ({ value }: Judgement) => value >= clearLow && value <= clearHigh
  const needed = rule.definition.for ?? 0
  const outcomes: Outcome[] = []
  let next = 0
  while (next < all.length) {
    const first = next
    let held = 0
    let at = first
    for (; at < all.length && isBad(all[at]!); at++) {
      const pause = at > first ? all[at]!.from - all[at - 1]!.to : 0
      if (pause > Math.max(needed, 5 * (all[at]!.to - all[at]!.from))) break
      held += all[at]!.to - all[at]!.from
      if (held >= needed) break
    }
    const fired = at < all.length && isBad(all[at]!) && held >= needed && held > 0
    if (!fired) {
      next = Math.max(at, first + 1)
      continue
    }
    const over = all.findIndex((one, index) => index > at && isGood(one))
    const bad = all.slice(first, over < 0 ? undefined : over).filter(isBad)
    const worst = bad.reduce((a, b) => (far(b.value) > far(a.value) ? b : a))
    outcomes.push({
      start: all[first]!.from,
      raised: all[at]!.to,
      end: over < 0 ? null : all[over]!.from,
      value: worst.value,
    })
    next = over < 0 ? all.length : over + 1
  }
  return outcomes

  function far(value: number): number {
    return Math.max(value - high, low - value)
  }
}

/** The alerts that stand after everything was told: of each id the highest revision, none that was withdrawn. */
export function standing(told: readonly Alert[]): Alert[] {
  const newest = new Map<string, Alert>()
  for (const alert of told) {
    if (alert.rev > (newest.get(alert.id)?.rev ?? -1)) newest.set(alert.id, alert)
  }
  return [...newest.values()].filter(({ state }) => state !== 'withdrawn').sort((a, b) => a.start - b.start)
}

export function outcomesOf(alerts: readonly Alert[]): Outcome[] {
  return alerts.map(({ start, raised, end, value }) => ({ start, raised, end, value }))
}
