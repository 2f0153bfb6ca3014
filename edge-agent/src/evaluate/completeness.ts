import type { RuleCompleteness } from '@millrace/rules'
import type { ClosedRows, CompletenessRow } from '../checkpoint.ts'

type Names = Pick<RuleCompleteness, 'site' | 'agent'>

/** Rows of all boots of a device's window as one; what cannot be told of one boot cannot be told of the window. */
export function mergeBoots(rows: ClosedRows['completeness'], namesOf: (device: number) => Names): RuleCompleteness[] {
  const merged: RuleCompleteness[] = []
  let before: ClosedRows['completeness'][number] | undefined
  for (const one of rows) {
    // The rows of all boots of a window come together.
    if (before?.device === one.device && before.row.start === one.row.start) addBoot(merged.at(-1)!, one.row)
    else merged.push(ofBoot(one.row, namesOf(one.device)))
    before = one
  }
  return merged
}

function ofBoot(row: CompletenessRow, { site, agent }: Names): RuleCompleteness {
  const { device, start, lengthMs, rev, messages } = row
  return { site, device, agent, start, lengthMs, rev, messages, expected: expectedOf(row) }
}

function addBoot(window: RuleCompleteness, row: CompletenessRow): void {
  const expected = expectedOf(row)
  window.messages += row.messages
  window.expected = window.expected === null || expected === null ? null : window.expected + expected
}

function expectedOf({ firstSeq, lastSeq }: CompletenessRow): number | null {
  return firstSeq === null || lastSeq === null ? null : lastSeq - firstSeq + 1
}
