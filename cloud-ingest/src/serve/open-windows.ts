import type { ApiSummary, ProvisionalBody, SeriesName } from '@millrace/contracts'
import { type MergeRow, mergeRows } from '@millrace/windows'
import type { StoredRow } from '../stored.ts'

const forgetAfterMs = 10 * 60_000
const maxSettled = 50_000

interface OpenPart {
  row: MergeRow
  unit: string
  agent: string
  spool: string
  atMonotonicMs: number
}

interface OpenWindow {
  start: number
  lengthMs: number
  parts: Map<string, OpenPart>
}

export type NamedSummary = ApiSummary & { device: string; metric: string; unit: string }

const seriesKey = ({ site, device, metric }: SeriesName) => `${site}/${device}/${metric}`

/**
 * Provisional summaries, newest of each agent and window, until a row of that window is in the store. One that comes
 * after the row (the window was opened again by a late reading, and holds only that) is left out.
 */
export class OpenWindows {
  private readonly monotonic: () => number
  private readonly bySeries = new Map<string, Map<string, OpenWindow>>()
  private readonly settledKeys = new Set<string>()

  constructor(monotonic: () => number) {
    this.monotonic = monotonic
  }

  /** Returns the windows that changed, for those who listen. */
  take({ site, agent, spool, columns }: ProvisionalBody): NamedSummary[] {
    const changed: NamedSummary[] = []
    for (let index = 0; index < columns.device.length; index++) {
      const at = Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[index]]))
      const { device, metric, unit, ...row } = at as unknown as MergeRow & {
        device: string
        metric: string
        unit: string
      }
      const window = this.windowOf({ site, device, metric }, row)
      if (!window) continue
      window.parts.set(`${agent}/${spool}`, { row, unit, agent, spool, atMonotonicMs: this.monotonic() })
      changed.push({ ...merge(window), device, metric, unit })
    }
    this.forgetOld()
    return changed
  }

  settled(rows: readonly StoredRow[]): void {
    for (const row of rows) {
      const window = `${row.start}/${row.lengthMs}`
      this.bySeries.get(seriesKey(row))?.delete(window)
      this.settledKeys.add(`${seriesKey(row)}/${window}`)
    }
    for (const key of this.settledKeys) {
      if (this.settledKeys.size <= maxSettled) break
      this.settledKeys.delete(key)
    }
  }

  /** Open windows that start in [from, to), in order. */
  of(series: SeriesName, from: number, to: number): ApiSummary[] {
    const windows = [...(this.bySeries.get(seriesKey(series))?.values() ?? [])]
    const inside = windows.filter(({ start }) => start >= from && start < to)
    return inside.sort((a, b) => a.start - b.start).map(merge)
  }

  private windowOf(series: SeriesName, { start, lengthMs }: MergeRow): OpenWindow | undefined {
    const key = `${start}/${lengthMs}`
    if (this.settledKeys.has(`${seriesKey(series)}/${key}`)) return undefined
    const windows = this.bySeries.get(seriesKey(series)) ?? new Map<string, OpenWindow>()
    this.bySeries.set(seriesKey(series), windows)
    const window = windows.get(key) ?? { start, lengthMs, parts: new Map() }
    windows.set(key, window)
    return window
  }

  private forgetOld(): void {
    const before = this.monotonic() - forgetAfterMs
    for (const windows of this.bySeries.values()) {
      for (const [key, { parts }] of windows) {
        if ([...parts.values()].every(({ atMonotonicMs }) => atMonotonicMs < before)) windows.delete(key)
      }
    }
  }
}

function merge({ start, lengthMs, parts }: OpenWindow): ApiSummary {
  const all = [...parts.values()]
  const { agent, spool } = all.reduce((a, b) => (a.atMonotonicMs > b.atMonotonicMs ? a : b))
  const { sketch: _sketch, ...values } = mergeRows(
    all.map(({ row }) => row),
    { start, lengthMs },
  )
  return { ...values, rev: null, provisional: true, parts: all.length, agent, spool }
}

/** A stored row as the API shows it; what only checks need of it, sketch and unit, where asked for. */
export function toApiSummary(row: StoredRow, withSketch: boolean): ApiSummary {
  const { site: _site, device: _device, metric: _metric, unit, writtenMs: _written, sketch, ...rest } = row
  return { ...rest, provisional: false, ...(withSketch ? { sketch, unit } : {}) }
}
