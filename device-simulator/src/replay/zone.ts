const hourMs = 3_600_000
/** Longer than any offset from UTC and shorter than the time between two changes of a zone's offset. */
const asideMs = 16 * hourMs

/** True for an IANA zone this runtime knows, such as `Europe/Brussels`. */
export function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone.length > 0
  } catch {
    return false
  }
}

/**
 * Turns local time, written as if it were UTC, into epoch ms. An hour that happens twice is taken for the first of the
 * two; an hour that is left out is read as if the clocks had not been changed yet.
 */
export function createZone(zone: string): (localMs: number) => number {
  if (zone === 'UTC') return (localMs) => localMs
  const offsetAt = createOffset(zone)
  const nearby = new Map<number, [before: number, after: number]>()
  return (localMs) => {
    const hour = Math.floor(localMs / hourMs)
    let offsets = nearby.get(hour)
    if (!offsets) {
      offsets = [offsetAt(hour * hourMs - asideMs), offsetAt(hour * hourMs + asideMs)]
      nearby.set(hour, offsets)
    }
    const [before, after] = offsets
    if (before === after || offsetAt(localMs - before) === before) return localMs - before
    return offsetAt(localMs - after) === after ? localMs - after : localMs - before
  }
}

/** Local time minus UTC, in ms, at a moment. */
function createOffset(zone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, calendar: 'iso8601', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return (utcMs) => {
    const parts = Object.fromEntries(format.formatToParts(utcMs).map(({ type, value }) => [type, Number(value)]))
    const { year, month, day, hour, minute, second } = parts as Record<string, number>
    const localMs = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!)
    return localMs - Math.floor(utcMs / 1000) * 1000
  }
}
