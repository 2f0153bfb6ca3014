import type { Alert } from '@millrace/contracts'
import { inOrder, lengthOf, subjectOf, totalsOf } from './episodes.ts'
import { lengthText, tableLines, timeText } from './text.ts'

export type DiffKind = 'added' | 'gone' | 'moved' | 'longer' | 'shorter' | 'same'

export interface DiffEntry {
  kind: DiffKind
  rule: string
  subject: string
  before: Alert | null
  after: Alert | null
}

/** What becomes of the alerts when other rules judge the same past. */
export interface RulesDiff {
  entries: DiffEntry[]
  counts: Record<DiffKind, number>
}

const endOf = ({ end }: Alert) => end ?? Number.POSITIVE_INFINITY

function kindOf(before: Alert, after: Alert): DiffKind {
  if (before.start !== after.start) return 'moved'
  if (endOf(before) === endOf(after)) return 'same'
  return endOf(after) > endOf(before) ? 'longer' : 'shorter'
}

/** An alert is the same episode as the first one of the other side that overlaps it and is nobody else's. */
function pairOf(before: Alert, candidates: readonly Alert[], taken: ReadonlySet<Alert>): Alert | undefined {
  const free = candidates.filter((alert) => !taken.has(alert))
  const sameStart = free.find(({ start }) => start === before.start)
  return sameStart ?? free.find((alert) => alert.start < endOf(before) && before.start < endOf(alert))
}

function entryOf(before: Alert | null, after: Alert | null): DiffEntry {
  const one = (before ?? after)!
  const kind = before && after ? kindOf(before, after) : before ? 'gone' : 'added'
  return { kind, rule: one.rule, subject: subjectOf(one), before, after }
}

export function diffAlerts(before: readonly Alert[], after: readonly Alert[]): RulesDiff {
  const key = (alert: Alert) => `${alert.rule} ${subjectOf(alert)}`
  const byKey = Map.groupBy(inOrder(after), key)
  const taken = new Set<Alert>()
  const entries = inOrder(before).map((alert) => {
    const pair = pairOf(alert, byKey.get(key(alert)) ?? [], taken)
    if (pair) taken.add(pair)
    return entryOf(alert, pair ?? null)
  })
  for (const alert of inOrder(after)) if (!taken.has(alert)) entries.push(entryOf(null, alert))
  const startOf = ({ before: was, after: is }: DiffEntry) => (was ?? is)!.start
  entries.sort((a, b) => startOf(a) - startOf(b))
  const counts = { added: 0, gone: 0, moved: 0, longer: 0, shorter: 0, same: 0 }
  for (const { kind } of entries) counts[kind]++
  return { entries, counts }
}

const spanText = (alert: Alert | null) =>
  alert === null ? '' : `${timeText(alert.start)} to ${alert.end === null ? 'the end' : timeText(alert.end)}`

const marks: Record<DiffKind, string> = { added: '+', gone: '-', moved: '~', longer: '>', shorter: '<', same: ' ' }

export interface DiffInput {
  diff: RulesDiff
  before: readonly Alert[]
  after: readonly Alert[]
  /** Ids of the rules of both sides. */
  rules: readonly string[]
  untilMs: number
}

function totalLines({ before, after, rules, untilMs }: DiffInput): string[] {
  const old = totalsOf(rules, before, untilMs)
  const next = totalsOf(rules, after, untilMs)
  const rows = old.map(({ rule, alerts, lengthMs }, n) => {
    const now = next[n]!
    return [rule, `${alerts} -> ${now.alerts}`, `${lengthText(lengthMs)} -> ${lengthText(now.lengthMs)}`]
  })
  return tableLines([['rule', 'alerts', 'firing'], ...rows])
}

/** What changes, by name, and sums per rule. */
export function diffLines(input: DiffInput): string[] {
  const { diff, untilMs } = input
  const changed = diff.entries.filter(({ kind }) => kind !== 'same')
  const rows = changed.map(({ kind, rule, subject, before, after }) => {
    const by = before && after ? lengthOf(after, untilMs) - lengthOf(before, untilMs) : 0
    const note = by === 0 ? '' : `${by > 0 ? '+' : '-'}${lengthText(Math.abs(by))}`
    return [`${marks[kind]} ${kind}`, rule, subject, spanText(before) || '-', spanText(after) || '-', note]
  })
  const head = [['change', 'rule', 'subject', 'before', 'after', '']]
  const sums = Object.entries(diff.counts).map(([kind, count]) => `${count} ${kind}`)
  return [
    ...(rows.length > 0 ? [...tableLines([...head, ...rows]), ''] : []),
    ...totalLines(input),
    '',
    sums.join(', '),
  ]
}
