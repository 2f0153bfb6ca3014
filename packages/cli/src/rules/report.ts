import type { Alert } from '@millrace/contracts'
import type { RuleWindow } from '@millrace/rules'
import { lengthOf, subjectOf, totalsOf } from './episodes.ts'
import type { Judgement } from './judgement.ts'
import { lengthText, tableLines, timeText } from './text.ts'
import { timelineLines } from './timeline.ts'

export interface PastReport {
  /** What the rules were tried on. */
  name: string
  folder: string
  /** Ids of the rules that were judged. */
  rules: string[]
  judgement: Judgement
  notes: readonly string[]
}

/** Of one rule: many of one must not hide the few of another. */
const shownOfRule = 10

const valueText = ({ value, unit }: Alert) =>
  value === null ? '-' : `${Number(value.toPrecision(5))}${unit === '' ? '' : ` ${unit}`}`

function alertRow(alert: Alert, untilMs: number): string[] {
  const { rule, start, raised, end, message } = alert
  const length = `${lengthText(lengthOf(alert, untilMs))}${end === null ? ' so far' : ''}`
  const until = end === null ? 'active' : timeText(end)
  return [rule, subjectOf(alert), timeText(start), timeText(raised), until, length, valueText(alert), message]
}

function alertLines({ alerts, span }: Judgement): string[] {
  const head = ['rule', 'subject', 'start (UTC)', 'raised', 'end', 'lasted', 'worst', 'message']
  const byRule = Map.groupBy(alerts, ({ rule }) => rule)
  const shown = new Set([...byRule.values()].flatMap((own) => own.slice(0, shownOfRule)))
  const rows = alerts.filter((alert) => shown.has(alert)).map((alert) => alertRow(alert, span.toMs))
  const hidden = [...byRule].flatMap(([rule, { length }]) =>
    length > shownOfRule ? [`... and ${length - shownOfRule} more of ${rule} (--json lists them)`] : [],
  )
  return [...tableLines([head, ...rows]), ...hidden]
}

function totalLines({ rules, judgement }: PastReport): string[] {
  const totals = totalsOf(rules, judgement.alerts, judgement.span.toMs)
  const rows = totals.map(({ rule, alerts, lengthMs, stillActive }) => [
    ...[
      rule,
      String(alerts),
      alerts === 0 ? '-' : lengthText(lengthMs),
      stillActive > 0 ? `${stillActive} active` : '',
    ],
  ])
  return tableLines([['rule', 'alerts', 'firing', ''], ...rows])
}

function headLine({ name, rules, judgement: { span, windows } }: PastReport): string {
  if (windows === 0) return `${name}: no windows, so nothing to judge`
  const length = lengthText(span.toMs - span.fromMs)
  return `${name}: ${windows} windows, ${timeText(span.fromMs)} to ${timeText(span.toMs)} UTC (${length}), ${rules.length} rules`
}

/** For people: what fired, when, and how often. */
export function pastReportLines(report: PastReport, windows: readonly RuleWindow[], width: number): string[] {
  const { alerts, span } = report.judgement
  const fired =
    alerts.length === 0
      ? ['no alert']
      : [...alertLines(report.judgement), '', ...timelineLines({ alerts, windows, span, width })]
  return [headLine(report), ...report.notes.map((note) => `  ${note}`), '', ...fired, '', ...totalLines(report)]
}

/** For programs; the same for the same past and rules. */
export function pastReportJson({ name, folder, rules, judgement, notes }: PastReport) {
  const { alerts, span, windows } = judgement
  return {
    ...{ name, folder, fromMs: span.fromMs, toMs: span.toMs, windows, notes },
    rules: totalsOf(rules, alerts, span.toMs),
    alerts: alerts.map(({ learned: _learned, rev: _rev, change: _change, ...alert }) => alert),
  }
}
