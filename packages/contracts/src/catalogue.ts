/** How values of a metric behave: a level, an ever-growing total, or a code. */
export type MetricKind = 'gauge' | 'counter' | 'state'

export interface Metric {
  metric: string
  /** UCUM-like short unit as shown to people; empty for none. */
  unit: string
  kind: MetricKind
  /** Plausible range, both ends included. Outside it a reading is kept, but a dashboard marks it. */
  min: number
  max: number
  /** Decimals a real sensor of this type reports. */
  decimals: number
}

function metric(name: string, unit: string, shape: Omit<Metric, 'metric' | 'unit'>): Metric {
  return { metric: name, unit, ...shape }
}

const gauge = (min: number, max: number, decimals: number) => ({ kind: 'gauge' as const, min, max, decimals })

/** Every metric with a known unit, range and kind. An unknown metric is a gauge without a unit. */
export const sensorCatalogue: readonly Metric[] = [
  metric('temperature', '°C', gauge(-40, 85, 2)),
  metric('humidity', '%', gauge(0, 100, 1)),
  metric('pressure', 'hPa', gauge(870, 1085, 1)),
  metric('co2', 'ppm', gauge(350, 5000, 0)),
  metric('light', 'lx', gauge(0, 100_000, 0)),
  metric('vibration', 'mm/s', gauge(0, 50, 3)),
  metric('power', 'W', gauge(0, 20_000, 1)),
  metric('energy', 'Wh', { kind: 'counter', min: 0, max: 1e12, decimals: 1 }),
  metric('battery', '%', gauge(0, 100, 1)),
  metric('door', '', { kind: 'state', min: 0, max: 1, decimals: 0 }),
  metric('load', '', gauge(0, 1024, 2)),
  metric('memory', '%', gauge(0, 100, 2)),
  metric('cpu-temperature', '°C', gauge(-20, 120, 1)),
  metric('uptime', 's', { kind: 'counter', min: 0, max: 1e10, decimals: 0 }),
  metric('voltage', 'V', gauge(0, 1000, 3)),
  metric('occupancy', '', { kind: 'state', min: 0, max: 1, decimals: 0 }),
]

const byName: ReadonlyMap<string, Metric> = new Map(sensorCatalogue.map((entry) => [entry.metric, entry]))

export function findMetric(name: string): Metric | undefined {
  return byName.get(name)
}
