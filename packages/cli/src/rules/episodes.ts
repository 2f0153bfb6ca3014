import type { Alert } from '@millrace/contracts'

/** Names of what an alert is about; `-` where the rule names none. */
export function subjectOf({ site, device, metric }: Pick<Alert, 'site' | 'device' | 'metric'>): string {
  return [site, device ?? '-', ...(metric === null ? [] : [metric])].join('/')
}

/** In order of start, then rule, then subject: the same for the same past. */
export function inOrder(alerts: Iterable<Alert>): Alert[] {
  const text = (alert: Alert) => `${alert.rule} ${subjectOf(alert)}`
  return [...alerts].sort((a, b) => a.start - b.start || (text(a) < text(b) ? -1 : Number(text(a) > text(b))))
}

/** Of an alert that is still active at the end of the past, up to there. */
export function lengthOf({ start, end }: Pick<Alert, 'start' | 'end'>, untilMs: number): number {
  return Math.max(0, (end ?? untilMs) - start)
}

export interface RuleTotal {
  rule: string
  alerts: number
  /** Together, ms. */
  lengthMs: number
  stillActive: number
}

/** One entry per rule, those that never fired included. */
export function totalsOf(rules: readonly string[], alerts: readonly Alert[], untilMs: number): RuleTotal[] {
  return rules.toSorted().map((rule) => {
    const own = alerts.filter((alert) => alert.rule === rule)
    const lengthMs = own.reduce((sum, alert) => sum + lengthOf(alert, untilMs), 0)
    return { rule, alerts: own.length, lengthMs, stillActive: own.filter(({ end }) => end === null).length }
  })
}
