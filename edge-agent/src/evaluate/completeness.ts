import type { RuleCompleteness } from '@millrace/rules'
import type { ClosedRows, CompletenessRow } from '../checkpoint.ts'

type Names = Pick<RuleCompleteness, 'site' | 'agent'>

/** Rows of all boots of a device's window as one; what cannot be told of one boot cannot be told of the window. */
export function mergeBoots(rows: ClosedRows['completeness'], namesOf: (device: number) => Names): RuleCompleteness[] {
  const windows = Map.groupBy(rows, ({ device, row }) => `${device}/${row.start}`)
  return [...windows.values()].map((boots) => {
    const { device, row } = boots[0]!
    const expected = boots.map(({ row }) => expectedOf(row))
    return {
      ...namesOf(device),
      ...{ device: row.device, start: row.start, lengthMs: row.lengthMs, rev: row.rev },
      messages: boots.reduce((sum, { row }) => sum + row.messages, 0),
      expected: expected.some(Number.isNaN) ? null : expected.reduce((sum, count) => sum + count, 0),
    }
  })
}

function expectedOf({ firstSeq, lastSeq }: CompletenessRow): number {
  return firstSeq === null || lastSeq === null ? Number.NaN : lastSeq - firstSeq + 1
}
