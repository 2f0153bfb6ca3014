import { durationMs } from '@millrace/pipeline'

/** Reads one or more metrics of one device. */
export interface Sensor {
  metrics: readonly string[]
  /**
   * The value of `metrics[index]` at a time, before it is rounded and clamped to its range; NaN where it has none now.
   * Pure, unless the sensor is `measured`.
   */
  read(atMs: number, index: number): number
  /** Reads something real: nothing of the past can be had, and what was read is recorded in full. */
  measured?: boolean
}

/** Settings that every type of sensor has: how often it is read, a whole multiple of its device's `every`. */
export const timing = { every: durationMs.optional() }
