import { endTimeMs, minTimeMs } from '@millrace/contracts'
import { sketchQuantile } from '@millrace/windows'

/** Deepest nesting of what is shown again as it came: JSON of a deeper one cannot be written. */
const maxDepth = 32

export const isTime = (ms: number) => ms >= minTimeMs && ms < endTimeMs

export function isTooDeep(value: unknown, room = maxDepth): boolean {
  if (typeof value !== 'object' || value === null) return false
  return room === 0 || Object.values(value).some((inner) => isTooDeep(inner, room - 1))
}

/** Of some value. Another one would take the rows down with which it is merged: other agents' parts, hours and days. */
export function isSketch(text: string): boolean {
  try {
    return !Number.isNaN(sketchQuantile(text, 0.5))
  } catch {
    return false
  }
}
