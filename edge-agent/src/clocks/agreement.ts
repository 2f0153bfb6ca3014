import { median } from './robust.ts'

/** What the clocks of the devices say of the agent's own, where they agree with each other. */
export interface Agreement {
  devices: number
  /** Median of how far they are ahead of the agent's time, ms. */
  offsetMs: number
}

/** Fewer agree by chance. */
const enoughDevices = 3
const share = 2 / 3

/** Undefined where fewer than three clocks are known, or fewer than two thirds of them are within `withinMs` of their median. */
export function agreementOf(offsets: readonly number[], withinMs: number): Agreement | undefined {
  const known = Float64Array.from(offsets.filter((offset) => !Number.isNaN(offset)))
  if (known.length < enoughDevices) return undefined
  const offsetMs = median(known)
  const near = known.filter((offset) => Math.abs(offset - offsetMs) <= withinMs).length
  return near >= known.length * share ? { devices: known.length, offsetMs: Math.round(offsetMs) } : undefined
}
