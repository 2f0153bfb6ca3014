import { findMetric, type SummariesBody, type SummaryRow } from '@millrace/contracts'
import { type SetRows, summarize } from '@millrace/windows'
import type { StoredRow } from '../stored.ts'

export const minuteMs = 60_000
/** 2026-03-01 12:00 UTC. */
export const noon = Date.UTC(2026, 2, 1, 12)

/** A set of readings spread over its window, in order of time. */
function setOf(values: readonly number[], { start, lengthMs }: { start: number; lengthMs: number }): SetRows {
  const step = lengthMs / (values.length + 1)
  return {
    length: values.length,
    ts: Float64Array.from(values, (_value, index) => start + Math.floor(step * index)),
    seq: Float64Array.from(values, (_value, index) => index),
    boot: new Uint32Array(values.length),
    flags: new Uint8Array(values.length),
    value: Float64Array.from(values),
  } as SetRows
}

export interface RowSpec {
  device?: string
  metric?: string
  start?: number
  lengthMs?: number
  rev?: number
  values?: readonly number[]
}

/** The row that an agent makes of such readings. */
export function summaryRow(spec: RowSpec = {}): SummaryRow {
  const {
    device = 'pump',
    metric = 'temperature',
    start = noon,
    lengthMs = minuteMs,
    rev = 0,
    values = [1, 2, 3],
  } = spec
  const known = findMetric(metric)
  const summary = summarize(setOf(values, { start, lengthMs }), { kind: known?.kind ?? 'gauge', start, lengthMs })
  return { device, metric, unit: known?.unit ?? '', rev, ...summary }
}

export function storedRow(spec: RowSpec & { site?: string; agent?: string } = {}): StoredRow {
  return { ...summaryRow(spec), site: spec.site ?? 'north', agent: spec.agent ?? 'edge', spool: 'spool-a', parts: 1 }
}

function toColumns<Row extends object>(rows: readonly Row[], names: readonly (keyof Row)[]) {
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]))
}

export interface BodySpec {
  site?: string
  agent?: string
  spool?: string
  seq?: number
  epoch?: string
  rows?: readonly RowSpec[]
  /** Readings of the newest revisions so far, by device; default what the rows hold. */
  sent?: Record<string, number>
  boots?: readonly {
    device: string
    boot: string | null
    start: number
    rev?: number
    firstSeq: number | null
    lastSeq: number | null
    messages: number
  }[]
}

/** A body as an agent sends it. */
export function summariesBody(spec: BodySpec = {}): SummariesBody {
  const rows = (spec.rows ?? [{}]).map(summaryRow)
  const held: Record<string, number> = {}
  for (const { device, count } of rows) held[device] = (held[device] ?? 0) + count
  const sent = spec.sent ?? held
  const devices = Object.keys(sent)
  const counts = devices.map((device) => sent[device]!)
  const none = devices.map(() => 0)
  const boots = (spec.boots ?? []).map((share) => ({ rev: 0, lengthMs: minuteMs, ...share }))
  return {
    ...{ v: 1, agent: spec.agent ?? 'edge', spool: spec.spool ?? 'spool-a', site: spec.site ?? 'north' },
    ...{ epoch: spec.epoch ?? 'e1', seq: spec.seq ?? 0 },
    columns: toColumns(rows, Object.keys(summaryRow()) as (keyof SummaryRow)[]) as SummariesBody['columns'],
    completeness: toColumns(boots, [
      ...(['device', 'boot', 'start', 'lengthMs', 'rev', 'firstSeq', 'lastSeq', 'messages'] as const),
    ]) as SummariesBody['completeness'],
    accounts: {
      ...{ device: devices, accepted: counts, closed: counts, open: none, duplicate: none, tooLate: none, qos0: none },
      ...{ invalid: devices.map(() => ({})), dropped: devices.map(() => ({})), sent: counts },
    },
  }
}
