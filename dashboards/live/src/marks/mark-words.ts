import type { Mark } from '@millrace/contracts'
import { formatLocalTime } from '../model/format.ts'

const mostNamed = 6

function describeMark({ text, from, to }: Mark): string {
  if (to === from) return `${text} at ${formatLocalTime(from)}`
  return to === null
    ? `${text} since ${formatLocalTime(from)}`
    : `${text} ${formatLocalTime(from)} to ${formatLocalTime(to)}`
}

/** The marks in view in words, for whoever does not see them; empty without any. */
export function describeMarks(marks: readonly Mark[]): string {
  if (marks.length === 0) return ''
  const named = marks.slice(0, mostNamed).map(describeMark).join(', ')
  const more = marks.length > mostNamed ? `, and ${marks.length - mostNamed} more` : ''
  return `Marks: ${named}${more}.`
}

/** Their texts, each once. */
export function nameMarks(marks: readonly Mark[]): string {
  return [...new Set(marks.map(({ text }) => text))].join(', ')
}
