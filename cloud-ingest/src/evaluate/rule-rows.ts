import type { RuleCompleteness, RuleWindow } from '@millrace/rules'
import { type CompletenessRow, type StoredRow, totalsOf } from '../stored.ts'

/** A merged row as rules judge it: an agent is named where one alone has seen the window. */
export function toRuleWindow({ parts, agent, ...row }: StoredRow): RuleWindow {
  return { ...row, agent: parts === 1 ? agent : null }
}

export function toRuleCompleteness(
  { site, device, start, lengthMs, rev, boots }: CompletenessRow,
  agent: string | null,
): RuleCompleteness {
  const { messages, missing } = totalsOf(boots)
  return { site, device, agent, start, lengthMs, rev, messages, expected: missing === null ? null : messages + missing }
}
