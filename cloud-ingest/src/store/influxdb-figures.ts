import type { IPoint } from 'influx'
import type { Figures, StageFigures } from '../figures.ts'
import { type Policy, policies } from './influxdb-schema.ts'

const round = (value: number) => Math.round(value * 1000) / 1000

function stagePoint({ stage, site, agent, ...figures }: StageFigures, timestamp: number): IPoint[] {
  const { perSecond, latencyMs, ...counts } = figures
  const named = { stage, ...(site === undefined ? {} : { site }), ...(agent === undefined ? {} : { agent }) }
  const rates = { perSecond, latencyMs }
  const known = Object.entries({ ...counts, ...rates }).filter((field): field is [string, number] => {
    return Number.isFinite(field[1])
  })
  if (known.length === 0) return []
  const fields = Object.fromEntries(known.map(([name, value]) => [name, name in rates ? round(value) : value]))
  return [{ measurement: 'pipeline', tags: named, fields, timestamp }]
}

const liveMs = policies.find(({ name }) => name === 'live')!.durationMs

/** The small measurements as the `influx` client writes them; those that the policy would refuse as too old are left out. */
export function toPoints(
  { atMs, endOfHourMs, sites, stages }: Figures,
  nowMs: number,
): { policy: Policy; points: IPoint[] }[] {
  const timestamp = Math.floor(atMs)
  const accounts = (measurement: string, at: number) =>
    sites.map(({ site, ...fields }): IPoint => ({ measurement, tags: { site }, fields, timestamp: at }))
  const live = [...accounts('accounts', timestamp), ...stages.flatMap((stage) => stagePoint(stage, timestamp))]
  const hourly = endOfHourMs === undefined ? [] : accounts('accounts_1h', endOfHourMs)
  const writes: { policy: Policy; points: IPoint[] }[] = [
    { policy: 'live', points: atMs > nowMs - liveMs ? live : [] },
    { policy: 'history', points: hourly },
  ]
  return writes.filter(({ points }) => points.length > 0)
}
