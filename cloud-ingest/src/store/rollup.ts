import type { Clock, Logger } from '@millrace/pipeline'
import type { ChangeLog, DirtySpan, RollupTier } from '../changes.ts'
import { compareKeys, retentionDays, type SeriesRange, type Store, type StoredRow } from '../stored.ts'
import type { Days } from './days.ts'
import { mergeMinutes } from './merge.ts'

export const hourMs = 3_600_000
const spansPerPass: Record<RollupTier, number> = { hours: 200, days: 20 }

export interface RollupContext {
  name: string
  store: Store
  log: ChangeLog
  days: Days
  clock: Clock
  logger: Logger
}

/** Hours and days that a row of minutes belongs to. */
export function spansOf(start: number, days: Days): { tier: RollupTier; start: number }[] {
  return [
    { tier: 'hours', start: Math.floor(start / hourMs) * hourMs },
    { tier: 'days', start: days.startOf(start) },
  ]
}

function endOf({ tier, start }: DirtySpan, days: Days): number {
  return tier === 'hours' ? start + hourMs : days.endOf(start)
}

/**
 * The merge of the span's minutes. Where some have outlived their retention, that would not be the whole: then the
 * stored row takes in the minutes that are new since it was written, so that doing this twice changes nothing. A new
 * revision of a minute that the stored row has already counted cannot be told from it any more, and is left out.
 */
function combine(span: DirtySpan, { minutes, stored }: Found, lengthMs: number): StoredRow | undefined {
  const writtenMs = stored?.writtenMs ?? Number.POSITIVE_INFINITY
  const added = minutes.filter((row) => row.rev === 0 && row.writtenMs! > writtenMs)
  const readings = (rows: readonly StoredRow[]) => rows.reduce((sum, { count }) => sum + count, 0)
  const whole = stored === undefined || readings(minutes) - readings(added) >= stored.count
  if (whole) return minutes.length > 0 ? mergeMinutes(span, minutes, lengthMs) : undefined
  return added.length > 0 ? mergeMinutes(span, [stored, ...added], lengthMs) : undefined
}

interface Found {
  minutes: StoredRow[]
  /** Looked up only where minutes may be gone. */
  stored: StoredRow | undefined
}

function rowsOfSpan(span: DirtySpan, found: Found, context: RollupContext): StoredRow[] {
  try {
    const row = combine(span, found, endOf(span, context.days) - span.start)
    return row ? [row] : []
  } catch (error) {
    context.logger.error({ error, ...span }, 'minutes cannot be merged')
    return []
  }
}

/** Recomputes some of the dirty hours or days from the store's minutes, newest first; `clean` when none was dirty. */
export async function rollUp(tier: RollupTier, context: RollupContext): Promise<'clean' | 'done' | 'more'> {
  const { name, store, log, logger } = context
  const spans = await log.dirty(name, tier, spansPerPass[tier])
  if (spans.length === 0) return 'clean'
  const ranges = spans.map((span): SeriesRange => ({ ...span, from: span.start, to: endOf(span, context.days) }))
  const minutes = await store.readRows('minutes', ranges)
  const stored = await readStored(tier, ranges, context)
  const rows = spans.flatMap((span, index) => {
    return rowsOfSpan(span, { minutes: minutes[index]!, stored: stored[index]?.[0] }, context)
  })
  const refusals = await store.write({ rows: rows.sort(compareKeys), completeness: [] })
  if (refusals.length > 0)
    logger.error({ store: name, detail: refusals[0]!.detail }, `${tier} were refused by the store`)
  await log.clean(name, spans)
  return spans.length < spansPerPass[tier] ? 'done' : 'more'
}

/** The present rows of those spans alone that may have lost minutes. */
async function readStored(tier: RollupTier, ranges: readonly SeriesRange[], { store, clock }: RollupContext) {
  const expiredMs = clock.now() - retentionDays.minutes * 24 * hourMs
  if (ranges.every(({ to }) => to >= expiredMs)) return []
  return await store.readRows(
    tier,
    ranges.map((range) => ({ ...range, to: range.from + 1 })),
  )
}
