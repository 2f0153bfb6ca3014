import { type MergeRow, mergeRows } from '@millrace/windows'
import type { ChangedWindow, DirtySpan } from '../changes.ts'
import type { Refusal, StoredRow } from '../stored.ts'

/** Merges the window's parts; of one part, its values stand as they are. Throws on a sketch that is none. */
export function mergeParts({ site, device, metric, unit, start, lengthMs, parts }: ChangedWindow): StoredRow {
  const newest = parts.reduce((a, b) => (a.n > b.n ? a : b))
  const rows: MergeRow[] = parts.map(({ values }) => ({ ...values, start, lengthMs }))
  const rev = parts.reduce((sum, { changes }) => sum + changes + 1, -1)
  const { agent, spool } = newest
  return {
    ...mergeRows(rows, { start, lengthMs }),
    ...{ site, device, metric, unit, start, lengthMs, rev, agent, spool },
    parts: parts.length,
  }
}

/** The row of an hour or day: rises in `rev` with every change of its minutes. */
export function mergeMinutes(span: DirtySpan, minutes: readonly StoredRow[], lengthMs: number): StoredRow {
  const { site, device, metric, start } = span
  const { unit, agent, spool } = minutes.at(-1)!
  const rev = minutes.reduce((sum, row) => sum + row.rev + 1, -1)
  const parts = minutes.reduce((most, row) => Math.max(most, row.parts), 0)
  return {
    ...mergeRows(minutes.map(toMergeRow), { start, lengthMs }),
    ...{ site, device, metric, unit, start, lengthMs, rev, agent, spool, parts },
  }
}

/** Values alone, in the order that the merge expects: nothing of the key may leak into it. */
function toMergeRow(row: StoredRow): MergeRow {
  const { site: _site, device: _device, metric: _metric, unit: _unit, rev: _rev, ...rest } = row
  const { agent: _agent, spool: _spool, parts: _parts, writtenMs: _written, ...values } = rest
  return values
}

export interface Merged {
  rows: StoredRow[]
  /** Windows whose parts cannot be merged, as rows of their newest part. */
  refusals: Refusal[]
}

export function mergeAll(windows: readonly ChangedWindow[]): Merged {
  const merged: Merged = { rows: [], refusals: [] }
  for (const window of windows) {
    try {
      merged.rows.push(mergeParts(window))
    } catch (error) {
      const detail = `parts cannot be merged: ${error instanceof Error ? error.message : String(error)}`
      const row = mergeParts({ ...window, parts: window.parts.slice(-1) })
      merged.refusals.push({ row, reason: 'refused-by-store', detail })
    }
  }
  return merged
}
