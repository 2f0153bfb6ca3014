import { unit } from './random.ts'
import type { Sensor } from './sensor.ts'

/** One device of a fleet with its sensors, ready to be asked for any moment. */
export interface DevicePlan {
  site: string
  device: string
  /** Place among the devices that are not measured, and how many those are. */
  index: number
  of: number
  seed: number
  everyMs: number
  jitterMs: number
  boot: boolean
  stamped: boolean
  /** True where a sensor measures something real: no past, and its readings are recorded in full. */
  measured: boolean
  sensors: readonly { sensor: Sensor; everyTicks: number }[]
}

/** When a device takes its message number `tick`; ticks count from the epoch, so they mean the same in every run. */
export function tickMs({ seed, everyMs, jitterMs }: DevicePlan, tick: number): number {
  const jitter = jitterMs === 0 ? 0 : Math.floor(unit(seed + 1, tick) * jitterMs)
  return tick * everyMs + Math.floor(unit(seed, 0) * everyMs) + jitter
}

/** The first tick at or after a time. */
export function firstTick(plan: DevicePlan, fromMs: number): number {
  let tick = Math.floor(fromMs / plan.everyMs) - 1
  while (tickMs(plan, tick) < fromMs) tick++
  return tick
}
