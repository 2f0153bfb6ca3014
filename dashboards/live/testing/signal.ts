import type { ApiSummary } from '@millrace/contracts'
import { findMetric } from '@millrace/contracts'

export interface FakeSeries {
  site: string
  device: string
  metric: string
  unit: string
  seed: number
}

const metricSets = [
  ['temperature', 'humidity', 'co2', 'battery'],
  ['power', 'energy', 'voltage'],
  ['vibration', 'temperature'],
  ['door', 'occupancy', 'light', 'temperature', 'humidity'],
]
const siteNames = ['lisbon-mill', 'oslo-depot', 'quito-lab']
const deviceKinds = ['hall', 'meter', 'press', 'gate']

/** A fleet whose every value is a function of series and time, so that stored and live data agree. */
export function fakeFleet(devices: number): FakeSeries[] {
  return Array.from({ length: devices }, (_, index) => {
    const site = siteNames[index % siteNames.length] ?? 'site'
    const kind = Math.floor(index / siteNames.length) % metricSets.length
    const device = `${deviceKinds[kind]}-${String(index + 1).padStart(2, '0')}`
    return (metricSets[kind] ?? []).map((metric, place) => {
      const unit = findMetric(metric)?.unit ?? ''
      return { site, device, metric, unit, seed: index * 7 + place }
    })
  }).flat()
}

const day = 86_400_000

function noise(seed: number, ts: number): number {
  const x = Math.sin(seed * 127.1 + Math.floor(ts / 1000) * 311.7) * 43_758.5453
  return (x - Math.floor(x)) * 2 - 1
}

const bases: Record<string, readonly [middle: number, swing: number, jitter: number]> = {
  temperature: [19, 4, 0.15],
  humidity: [52, 9, 0.6],
  co2: [620, 160, 12],
  battery: [71, 3, 0.05],
  power: [940, 420, 35],
  voltage: [230, 2.2, 0.4],
  vibration: [2.1, 0.8, 0.5],
  light: [340, 300, 14],
}

export function valueAt({ metric, seed }: FakeSeries, ts: number): number {
  if (metric === 'energy') return Math.round((ts - Date.UTC(2026, 0, 1)) / 3600) + seed
  const slow = Math.sin((ts / day) * 2 * Math.PI + seed) + 0.4 * Math.sin((ts / (day / 9)) * 2 * Math.PI + seed * 3)
  if (metric === 'door' || metric === 'occupancy') return slow + noise(seed, ts - (ts % 90_000)) > 0.7 ? 1 : 0
  const [middle, swing, jitter] = bases[metric] ?? [0, 1, 0.1]
  return middle + swing * slow + jitter * noise(seed, ts)
}

/** A row made from the readings of the window, one per `everyMs`. */
export function rowOf(
  series: FakeSeries,
  start: number,
  { lengthMs, until }: { lengthMs: number; until: number },
): ApiSummary {
  const everyMs = Math.max(1_000, lengthMs / 60)
  const end = Math.min(start + lengthMs, until)
  const times: number[] = []
  for (let ts = start; ts < end; ts += everyMs) times.push(ts)
  const values = times.map((ts) => valueAt(series, ts))
  const sorted = [...values].sort((a, b) => a - b)
  const quantile = (q: number) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0
  const sum = values.reduce((total, value) => total + value, 0)
  const provisional = start + lengthMs > until
  return {
    start,
    lengthMs,
    rev: provisional ? null : start % 1_740_000 === 0 ? 1 : 0,
    count: values.length,
    sum,
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean: sum / values.length,
    stddev: 0,
    first: values[0] ?? 0,
    firstTs: times[0] ?? start,
    last: values.at(-1) ?? 0,
    lastTs: times.at(-1) ?? start,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    increase: null,
    amended: start % 1_740_000 === 0 ? 3 : 0,
    duplicate: 0,
    unstamped: 0,
    provisional,
    parts: 1,
    agent: 'edge',
    spool: 'mock',
  }
}
