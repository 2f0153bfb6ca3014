import type { ChangedWindow, ChangeLog, ResolvedWindow } from '../changes.ts'
import type { SeriesRange, Store, StoredRow } from '../stored.ts'

/** Windows that may be written, and those whose stored row would lose readings of others. */
export interface LateVerdict {
  allowed: ChangedWindow[]
  refused: ChangedWindow[]
}

function rangesOf(windows: readonly ChangedWindow[]): SeriesRange[] {
  const bySeries = new Map<number, SeriesRange>()
  for (const { seriesId, site, device, metric, start } of windows) {
    const range = bySeries.get(seriesId)
    if (!range) bySeries.set(seriesId, { site, device, metric, from: start, to: start + 1 })
    else {
      range.from = Math.min(range.from, start)
      range.to = Math.max(range.to, start + 1)
    }
  }
  return [...bySeries.values()]
}

const keyOf = ({ site, device, metric, start, lengthMs }: ChangedWindow | StoredRow) =>
  `${site}/${device}/${metric}/${start}/${lengthMs}`

/** Undefined where writing the window would drop readings of parts that left the spool. */
function judge(window: ChangedWindow, stored: StoredRow | undefined): ResolvedWindow | undefined {
  if (stored === undefined) return { window, replaces: undefined }
  const own = window.parts.find(({ agent, spool }) => agent === stored.agent && spool === stored.spool)
  if (own === undefined || (own.late && stored.parts > 1)) return undefined
  const { agent, spool, count, rev } = stored
  return { window, replaces: own.late ? { agent, spool, count, rev } : undefined }
}

/**
 * Parts leave the spool 48 h after their last change. One that comes for a window older than that may replace only
 * the stored row of its own agent and spool. What is found is saved before the window is written for the first time:
 * afterwards nobody could tell the row that was replaced from the one that replaced it.
 */
export async function judgeLateParts(
  windows: readonly ChangedWindow[],
  { store, log, accountable }: { store: Store; log: ChangeLog; accountable: boolean },
): Promise<LateVerdict> {
  const late = windows.filter(({ parts }) => parts.some((part) => part.late))
  if (late.length === 0) return { allowed: [...windows], refused: [] }
  const stored = (await store.readRows('minutes', rangesOf(late))).flat()
  const byKey = new Map(stored.map((row) => [keyOf(row), row]))
  const verdicts = new Map(late.map((window) => [window, judge(window, byKey.get(keyOf(window)))]))
  const resolved = [...verdicts.values()].filter((verdict) => verdict !== undefined)
  if (accountable && resolved.length > 0) await log.resolveLate(resolved)
  for (const { window, replaces } of resolved) countReplaced(window, replaces)
  const refused = new Set(late.filter((window) => verdicts.get(window) === undefined))
  return { allowed: windows.filter((window) => !refused.has(window)), refused: [...refused] }
}

/** The same as the spool now says, so that this write has the right `rev`. */
function countReplaced(window: ChangedWindow, replaces: ResolvedWindow['replaces']): void {
  const own = window.parts.find(({ agent, spool }) => agent === replaces?.agent && spool === replaces.spool)
  if (own && replaces) own.changes += replaces.rev + 1
}
