import type { ApiSummary } from '@millrace/contracts'
import type { Span } from './range.ts'
import { firstEndingAfter } from './rows.ts'

/** Moments without rows are crossed in so many steps. */
const steps = 100

const middleOf = (row: ApiSummary) => row.start + row.lengthMs / 2

/** The next moment to read to one side: the middle of the next row, or a step where there is none near. */
export function nextMoment(
  rows: readonly ApiSummary[],
  fromMs: number,
  { span, side }: { span: Span; side: -1 | 1 },
): number {
  const stepMs = (span.to - span.from) / steps
  const here = firstEndingAfter(rows, fromMs)
  const inside = (rows[here]?.start ?? Number.POSITIVE_INFINITY) <= fromMs
  const next = rows[side > 0 && !inside ? here : here + side]
  const moment = next === undefined ? fromMs + side * stepMs : middleOf(next)
  const near = Math.abs(moment - fromMs) <= Math.max(4 * stepMs, 2 * (next?.lengthMs ?? 0))
  return Math.min(Math.max(near ? moment : fromMs + side * stepMs, span.from), span.to)
}
