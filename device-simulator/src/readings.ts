import { findMetric } from '@millrace/contracts'
import type { DevicePlan } from './device.ts'

/** Values by metric, in the order they are sent. */
export type Readings = [metric: string, value: number][]

interface Rounding {
  factor: number
  min: number
  max: number
}

const fallback: Rounding = { factor: 1000, min: -1e9, max: 1e9 }
const roundings = new Map<string, Rounding>()

function roundingOf(metric: string): Rounding {
  const known = roundings.get(metric)
  if (known) return known
  const found = findMetric(metric)
  const rounding = found ? { factor: 10 ** found.decimals, min: found.min, max: found.max } : fallback
  roundings.set(metric, rounding)
  return rounding
}

/** What the device's sensors read at a tick, as a real sensor of that metric reports it: rounded, within its range. */
export function readingsAt(plan: DevicePlan, tick: number, atMs: number): Readings {
  const readings: Readings = []
  for (const { sensor, everyTicks } of plan.sensors) {
    if (tick % everyTicks !== 0) continue
    sensor.metrics.forEach((metric, index) => {
      const { factor, min, max } = roundingOf(metric)
      const value = Math.round(sensor.read(atMs, index) * factor) / factor
      if (Number.isFinite(value)) readings.push([metric, Math.min(max, Math.max(min, value))])
    })
  }
  return readings
}
