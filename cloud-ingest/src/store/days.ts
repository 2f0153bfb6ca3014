const hourMs = 3_600_000
const maxKnown = 10_000

/** Calendar days of one zone, as spans of epoch ms. */
export interface Days {
  /** First ms of the day that `ts` falls in. */
  startOf(ts: number): number
  /** First ms of the day after. */
  endOf(ts: number): number
}

/** True for a zone that this Node knows by its IANA name. */
export function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}

/**
 * Days of 23, 24 or 25 hours as the zone has them. The local date only ever grows with time, so the first moment
 * of a date is found by bisection, whatever the zone does at midnight.
 */
export function daysIn(zone: string): Days {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
  const starts = new Map<number, number>()

  /** First ms in (before, at] that has the date of `at`. */
  function firstOf(at: number, before: number): number {
    const date = format.format(at)
    let [low, high] = [before, at]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (format.format(middle) === date) high = middle
      else low = middle
    }
    return high
  }

  /** No zone starts a day off a quarter of an hour, so one answer serves all of it. */
  function startOf(ts: number): number {
    const quarter = Math.floor(ts / (hourMs / 4)) * (hourMs / 4)
    const known = starts.get(quarter)
    if (known !== undefined) return known
    if (starts.size >= maxKnown) starts.clear()
    const start = firstOf(quarter, quarter - 26 * hourMs)
    starts.set(quarter, start)
    return start
  }

  return {
    startOf,
    endOf(ts) {
      const start = startOf(ts)
      const date = format.format(start)
      let within = start + 22 * hourMs
      while (format.format(within + hourMs) === date) within += hourMs
      return startOf(within + hourMs)
    },
  }
}
