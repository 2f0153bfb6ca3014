import type { CompletenessRow } from '@millrace/windows'

/** Messages of one device in one window over its boots; `expected` is null where any of them cannot tell. */
export function expectedMessages(rows: readonly CompletenessRow[]): { messages: number; expected: number | null } {
  let messages = 0
  let expected: number | null = 0
  for (const row of rows) {
    messages += row.messages
    if (expected === null || row.firstSeq === null || row.lastSeq === null) expected = null
    else expected += row.lastSeq - row.firstSeq + 1
  }
  return { messages, expected }
}
