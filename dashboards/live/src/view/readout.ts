import type { ApiSummary } from '@millrace/contracts'
import { formatCount, formatLength, formatLocal, formatLocalTime, formatUtc, formatValue } from '../model/format.ts'
import { rowAt } from '../model/rows.ts'
import { hourMs } from '../model/step.ts'
import type { Painting } from './chart-paint.ts'

function describeState(row: ApiSummary): string {
  if (row.provisional) return 'open, may still change'
  const amended = row.amended > 0 ? `, ${formatCount(row.amended)} amended` : ''
  return row.rev ? `rev ${row.rev}${amended}` : ''
}

/** "13:42 (14:42 UTC)" for windows within a day, with the date for hours and days. */
function describeStart({ start, lengthMs }: ApiSummary): string {
  const local = formatLocal(start)
  const seconds = lengthMs % 60_000 === 0 ? -3 : undefined
  const utc = formatUtc(start).slice(11, 19).slice(0, seconds)
  return `${local.slice(lengthMs < hourMs ? 11 : 0, seconds)} (${utc} UTC)`
}

function describeRow(metric: string, row: ApiSummary): string {
  const value = (of: number) => formatValue(metric, of)
  const levels = `mean ${value(row.mean)} · ${value(row.min)} to ${value(row.max)} · p95 ${value(row.p95)}`
  return [describeStart(row), levels, `n ${formatCount(row.count)}`, describeState(row)].filter(Boolean).join(' · ')
}

/** What is known of a moment: its live reading where no stored row covers it, else its window. */
export function describeMoment(metric: string, ms: number, { joined, recent }: Painting): string {
  const row = rowAt(joined.rows, ms)
  if (row) return describeRow(metric, row)
  const index = recent.from(ms)
  const ts = recent.ts[index]
  if (ts !== undefined && ms >= joined.openFrom)
    return `${formatLocalTime(ts)} (${formatUtc(ts).slice(11)}) · reading ${formatValue(metric, recent.value[index] ?? Number.NaN)}`
  return `${formatLocal(ms)} (${formatUtc(ms).slice(11)}) · no reading`
}

/** The newest closed window and what is open behind it. */
export function describeLatest(metric: string, { joined }: Painting): string {
  const row = joined.rows.findLast((candidate) => !candidate.provisional)
  if (!row) return ''
  const value = (of: number) => formatValue(metric, of)
  const span = `${formatLocalTime(row.start).slice(0, 5)} for ${formatLength(row.lengthMs)}`
  return `last closed ${span} · mean ${value(row.mean)} · ${value(row.min)} to ${value(row.max)} · p95 ${value(row.p95)}`
}
