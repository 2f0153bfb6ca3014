import { endTimeMs, minTimeMs, summaryColumnsSchema } from '@millrace/contracts'
import { z } from 'zod'
import { type PartRow, packValues, type SetAside } from '../received.ts'
import { isSketch } from './sound.ts'

const hourMs = 3_600_000
const maxLengthMs = 30 * 60_000
/** Far above what a window may hold, far below what sums of counts could not bear. */
const maxCount = 1e9
const columns = summaryColumnsSchema.shape
const names = Object.keys(columns) as (keyof typeof columns)[]

const rowSchema = z.object(
  Object.fromEntries(names.map((name) => [name, columns[name].element])) as unknown as {
    [Name in keyof typeof columns]: (typeof columns)[Name]['element']
  },
)
type Row = z.infer<typeof rowSchema>

const keySchema = rowSchema.pick({
  device: true,
  metric: true,
  unit: true,
  start: true,
  lengthMs: true,
  rev: true,
  count: true,
})
const anyColumns = z.record(z.string(), z.array(z.unknown()))

const isBelievable = (count: number) => count <= maxCount

/** Windows divide an hour, are aligned to the epoch, and lie between 2000 and 2100. */
export function isKeySound({ start, lengthMs }: Pick<Row, 'start' | 'lengthMs'>): boolean {
  if (lengthMs > maxLengthMs || hourMs % lengthMs !== 0) return false
  return start >= minTimeMs && start < endTimeMs && start % lengthMs === 0
}

function isRowSound(row: Row): boolean {
  const inside = row.firstTs >= row.start && row.firstTs <= row.lastTs && row.lastTs < row.start + row.lengthMs
  const ordered = row.min <= row.p50 && row.p50 <= row.p95 && row.p95 <= row.p99 && row.p99 <= row.max
  const counts = [row.amended, row.duplicate, row.unstamped]
  return (
    row.count > 0 &&
    counts.every(isBelievable) &&
    inside &&
    ordered &&
    row.stddev >= 0 &&
    /^[A-Za-z0-9+/=_-]*$/.test(row.sketch) &&
    isSketch(row.sketch)
  )
}

function rowAt(source: Record<string, readonly unknown[]>, index: number): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, source[name]?.[index]]))
}

function toPart(row: Row, refused: boolean): PartRow {
  const { device, metric, unit, start, lengthMs, rev, count, last, lastTs } = row
  const values = refused ? null : packValues(row)
  return { device, metric, unit, start, lengthMs, rev, count, last, lastTs, values }
}

export interface SummaryRows {
  parts: PartRow[]
  setAside: SetAside[]
}

/**
 * Judges rows one by one, so a bad one leaves its neighbours. A bad row with a sound key counts as refused until a
 * better revision comes. Undefined where there are no rows to speak of.
 */
export function readSummaryRows(value: unknown): SummaryRows | undefined {
  const whole = summaryColumnsSchema.safeParse(value)
  const loose = whole.success ? whole : anyColumns.safeParse(value)
  if (!loose.success) return undefined
  const source = loose.data as Record<string, readonly unknown[]>
  const length = source.device?.length
  if (length === undefined || names.some((name) => source[name]?.length !== length)) return undefined
  const found: SummaryRows = { parts: [], setAside: [] }
  for (let index = 0; index < length; index++) {
    const row = rowAt(source, index)
    if (whole.success) judge(row as Row, found)
    else judgeLoose(row, found)
  }
  return found
}

/** One where nobody can believe the number. */
const readingsOf = ({ count }: Pick<Row, 'count'>) => (isBelievable(count) ? count : 1)

function judge(row: Row, found: SummaryRows): void {
  if (isKeySound(row) && isBelievable(row.count)) {
    const sound = isRowSound(row)
    found.parts.push(toPart(row, !sound))
    if (sound) return
  }
  found.setAside.push({ reason: 'bad-body', device: row.device, count: readingsOf(row) })
}

function judgeLoose(row: Record<string, unknown>, found: SummaryRows): void {
  const exact = rowSchema.safeParse(row)
  if (exact.success) {
    judge(exact.data, found)
    return
  }
  const key = keySchema.safeParse(row)
  if (key.success && isKeySound(key.data) && isBelievable(key.data.count)) {
    const nothing = { last: 0, lastTs: -1, values: null }
    found.parts.push({ ...key.data, ...nothing })
  }
  const device = key.success ? key.data.device : null
  found.setAside.push({ reason: 'bad-body', device, count: key.success ? readingsOf(key.data) : 1 })
}
