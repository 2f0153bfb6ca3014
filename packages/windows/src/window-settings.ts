import type { WindowSettings } from './types.ts'

const hourMs = 3_600_000
const longestMs = 30 * 60_000
const mostReadings = 2 ** 24

/** Throws RangeError on settings that windows cannot have. */
export function checkSettings({ lengthMs, latenessMs, maxReadings, amendForMs }: WindowSettings): void {
  if (!(lengthMs > 0 && lengthMs <= longestMs && Number.isInteger(lengthMs) && hourMs % lengthMs === 0)) {
    throw new RangeError(`a window of ${lengthMs} ms: it must divide one hour and be at most 30 minutes`)
  }
  for (const ms of [latenessMs, amendForMs]) {
    if (!(ms >= 0 && Number.isFinite(ms))) throw new RangeError(`a lateness or amendment time of ${ms} ms`)
  }
  if (!(maxReadings >= 1 && maxReadings <= mostReadings)) throw new RangeError(`a set of ${maxReadings} readings`)
}
