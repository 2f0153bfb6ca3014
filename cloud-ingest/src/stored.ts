import type { Alert, SeriesInfo, SeriesName, SummaryRow } from '@millrace/contracts'
import type { Figures } from './figures.ts'

/** A row as stores keep it: the merge of its window's parts. `rev` counts the ingest's changes of it. */
export interface StoredRow extends SummaryRow {
  site: string
  /** Agent and spool of the part that changed last. */
  agent: string
  spool: string
  /** How many agents' parts were merged. */
  parts: number
  /** When the store wrote the row, where it counts retention from that; absent in rows to be written. */
  writtenMs?: number
}

/** What one run of a device sent within one window; nulls where it sends no `seq`. */
export interface BootShare {
  boot: string | null
  firstSeq: number | null
  lastSeq: number | null
  messages: number
}

export interface CompletenessRow {
  site: string
  device: string
  start: number
  lengthMs: number
  rev: number
  boots: BootShare[]
}

export interface LiveReading extends SeriesName {
  ts: number
  value: number
}

export interface StoreBatch {
  /** At most one row of each key, sorted by series; a window longer than 30 minutes is an hour or a day. */
  rows: readonly StoredRow[]
  completeness: readonly CompletenessRow[]
}

/** A row that the store will never take. */
export interface Refusal {
  row: StoredRow
  reason: 'beyond-retention' | 'refused-by-store' | 'late-part'
  /** What the store said. */
  detail: string
}

/** Rows of one series in [from, to), epoch ms. */
export interface SeriesRange extends SeriesName {
  from: number
  to: number
}

/** `minutes`: windows as agents sent them, whatever their length. */
export type Tier = 'minutes' | 'hours' | 'days'

/** Of one device, of one site, or of all. */
export interface DeviceRange {
  site?: string | undefined
  device?: string | undefined
  from: number
  to: number
}

/** Readings in the rows of one device. */
export interface DeviceCount {
  site: string
  device: string
  readings: number
}

/** Completeness merged over time, one share for each run of the device. */
export interface DeviceBoots {
  site: string
  device: string
  boots: BootShare[]
}

/**
 * Holds rows for readers. Every write replaces whole rows by key, so writing a batch twice equals writing it once.
 * A rejected promise means that all of the batch is to be tried again; refusals are final.
 * Calls may overlap; a store orders its own writes.
 */
export interface Store {
  /** Rejects where writes would: nobody is there, or what is there does not fit. Creates what is missing. */
  check?(): Promise<void>
  write(batch: StoreBatch): Promise<Refusal[]>
  /** One row of each id, the newest revision replacing the one before; kept for ever. Rejects with what is to be tried again. */
  writeAlerts(alerts: readonly Alert[]): Promise<void>
  /** Best effort: readings kept for a day. */
  writeReadings(readings: readonly LiveReading[]): Promise<void>
  /** Best effort, where the store keeps such: what the pipeline says of itself. */
  writeFigures?(figures: Figures): Promise<void>
  /** Rows of each range in order of start; same length as `ranges`. */
  readRows(tier: Tier, ranges: readonly SeriesRange[]): Promise<StoredRow[][]>
  /** Readings in the rows of minutes that start in [from, to), by device. */
  readCounts(span: { from: number; to: number }): Promise<DeviceCount[]>
  readReadings(range: SeriesRange): Promise<LiveReading[]>
  /** Alerts that start in [from, to), in order of start. */
  readAlerts(span: { from: number; to: number }): Promise<Alert[]>
  /** A run without a name whose `seq` falls in time has null for it: it was more than one run. */
  readCompleteness(range: DeviceRange): Promise<DeviceBoots[]>
  /**
   * Every row it has, in batches of some thousands, for a backup: minutes before hours and days. Live readings and
   * alerts are left out. Not to be written to meanwhile.
   */
  readAll(): AsyncIterable<StoreBatch>
  /** Every alert it has, in batches, for a backup. */
  readAllAlerts(): AsyncIterable<Alert[]>
  /** Every series it has rows of, with the newest value in them. */
  series(): Promise<SeriesInfo[]>
  /** Deletes what has outlived its retention where the store does not do so itself. */
  expire(): Promise<void>
  close(): Promise<void>
}

/** Days that base rows are kept, and that live readings are kept. */
export const retentionDays = { minutes: 90, readings: 1 } as const

const hourMs = 3_600_000

export function tierOf(lengthMs: number): Tier {
  if (lengthMs < hourMs) return 'minutes'
  return lengthMs === hourMs ? 'hours' : 'days'
}

/** Suffix of a measurement's name: `1m`, `10s`, `1h`; every day is `1d`, whatever its zone makes of its length. */
export function lengthLabel(lengthMs: number): string {
  if (tierOf(lengthMs) === 'days') return '1d'
  if (tierOf(lengthMs) === 'hours') return '1h'
  if (lengthMs % 60_000 === 0) return `${lengthMs / 60_000}m`
  return lengthMs % 1000 === 0 ? `${lengthMs / 1000}s` : `${lengthMs}ms`
}

export function compareKeys(a: StoredRow, b: StoredRow): number {
  return (
    compareText(a.site, b.site) ||
    compareText(a.device, b.device) ||
    compareText(a.metric, b.metric) ||
    a.start - b.start
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Messages of all runs, and those missing among them: null where a run has no `seq`, or there is none. */
export function totalsOf(boots: readonly BootShare[]): { messages: number; missing: number | null } {
  const totals: { messages: number; missing: number | null } = { messages: 0, missing: boots.length > 0 ? 0 : null }
  for (const { firstSeq, lastSeq, messages } of boots) {
    totals.messages += messages
    const known = totals.missing !== null && firstSeq !== null && lastSeq !== null
    totals.missing = known ? totals.missing! + lastSeq - firstSeq + 1 - messages : null
  }
  return totals
}
