import type { SeriesInfo, SeriesName } from '@millrace/contracts'
import type { CompletenessRow, DeviceCount, DeviceRange, SeriesRange, StoredRow, Tier } from '../stored.ts'
import type { ResultSeries } from './influxdb-client.ts'

const stringLiteral = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

const sources: Record<Tier, string> = {
  minutes: '"minute"./^summary_/',
  hours: '"history"."summary_1h"',
  days: '"history"."summary_1d"',
}

function where({ from, to }: { from: number; to: number }, tags: Record<string, string | undefined>): string {
  const given = Object.entries(tags).filter((tag): tag is [string, string] => tag[1] !== undefined)
  const conditions = given.map(([tag, value]) => `"${tag}" = ${stringLiteral(value)}`)
  const span = [`time >= ${Math.floor(from)}ms`, `time < ${Math.floor(to)}ms`]
  return `WHERE ${[...conditions, ...span].join(' AND ')}`
}

export function selectRows(tier: Tier, range: SeriesRange): string {
  const { site, device, metric } = range
  return `SELECT * FROM ${sources[tier]} ${where(range, { site, device, metric })}`
}

/** One row of each device and window length. */
export function selectCounts(span: { from: number; to: number }): string {
  return `SELECT sum("count") AS "readings" FROM ${sources.minutes} ${where(span, {})} GROUP BY "site", "device"`
}

export function toCounts(results: readonly ResultSeries[]): DeviceCount[] {
  const counts = new Map<string, DeviceCount>()
  for (const result of results) {
    const { site, device } = result.tags as unknown as SeriesName
    const readings = Number(toObjects(result)[0]?.readings ?? 0) + (counts.get(`${site}/${device}`)?.readings ?? 0)
    counts.set(`${site}/${device}`, { site, device, readings })
  }
  return [...counts.values()]
}

export const selectAll = (tier: Tier) => `SELECT * FROM ${sources[tier]}`
export const selectAllCompleteness = 'SELECT * FROM "minute"./^completeness_/'

export function selectReadings(range: SeriesRange): string {
  const { site, device, metric } = range
  return `SELECT "value" FROM "live"."reading" ${where(range, { site, device, metric })}`
}

export function selectCompleteness(range: DeviceRange): string {
  const { site, device } = range
  return `SELECT "boots" FROM "minute"./^completeness_/ ${where(range, { site, device })} GROUP BY "site", "device"`
}

/** Shares of each window in order of time, of what `selectCompleteness` asks for. */
export function toShares(
  results: readonly ResultSeries[],
): Pick<CompletenessRow, 'site' | 'device' | 'start' | 'boots'>[] {
  const rows = results.flatMap(({ tags, values }) => {
    const { site, device } = tags as unknown as { site: string; device: string }
    return values.map(([start, boots]) => ({ site, device, start: Number(start), boots: JSON.parse(String(boots)) }))
  })
  return rows.sort((a, b) => a.start - b.start)
}

function toObjects({ columns, values }: ResultSeries): Record<string, unknown>[] {
  return values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])))
}

/** Fields carry the names of StoredRow; a field that was never written is null. */
export function toRows(results: readonly ResultSeries[]): StoredRow[] {
  const rows = results.flatMap(toObjects).map(({ time, ...fields }) => ({ increase: null, ...fields, start: time }))
  return (rows as unknown as StoredRow[]).sort((a, b) => a.start - b.start)
}

export function toCompleteness(results: readonly ResultSeries[]): CompletenessRow[] {
  const rows = results.flatMap(toObjects).map(({ time, site, device, lengthMs, rev, boots }) => {
    return { site, device, lengthMs, rev, start: time, boots: JSON.parse(String(boots)) } as CompletenessRow
  })
  return rows.sort((a, b) => a.start - b.start)
}

/** The newest row of each series and window length. */
export const selectNewest = `SELECT last("last") AS "lastValue", "lastTs", "unit" FROM ${sources.minutes} GROUP BY "site", "device", "metric"`

export function toSeries(results: readonly ResultSeries[]): SeriesInfo[] {
  const newest = new Map<string, SeriesInfo>()
  for (const result of results) {
    const { site, device, metric } = result.tags as unknown as SeriesName
    const [row] = toObjects(result)
    const info = { site, device, metric, ...row } as SeriesInfo & { time?: number }
    delete info.time
    const key = `${site}/${device}/${metric}`
    if ((newest.get(key)?.lastTs ?? -1) < info.lastTs) newest.set(key, info)
  }
  return [...newest.values()]
}
