import type { Promised, Reading } from './ledger.ts'

/** What a row must say of one window, counted from what was published. */
export interface Facts {
  count: number
  sum: number
  min: number
  max: number
  mean: number
  stddev: number
  first: number
  firstTs: number
  last: number
  lastTs: number
  p50: number
  p95: number
  p99: number
  /** Null of a gauge. */
  increase: number | null
}

/** One window of one series: readings that must be in it, and those that may. */
export interface Expected {
  demanded: { ts: number; value: number }[]
  /** Sent and never acknowledged. */
  maybe: { ts: number; value: number }[]
}

/** By device, then metric, then start. */
export type Windows = Map<string, Map<string, Map<number, Expected>>>

/** Every value is a multiple of 1 / scale. */
const scale = 64

const counters = new Set(['energy'])

function inner<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

/** Each reading once, however often it was sent: minted once is counted once. */
export function windowsOf({ terms, messages }: Promised): Windows {
  const windows: Windows = new Map()
  const place = (device: string, { ts, values }: Reading, acked: boolean) => {
    const start = ts - (ts % terms.windowMs)
    for (const [metric, value] of Object.entries(values)) {
      const byStart = inner(
        inner(windows, device, () => new Map()),
        metric,
        () => new Map<number, Expected>(),
      )
      const window = inner(byStart, start, (): Expected => ({ demanded: [], maybe: [] }))
      ;(acked ? window.demanded : window.maybe).push({ ts, value })
    }
  }
  for (const { message, acks } of messages) {
    for (const reading of message.readings) place(message.device, reading, acks > 0)
  }
  return windows
}

function rank(sorted: readonly number[], q: number): number {
  let index = 0
  while ((index + 1) / sorted.length < q) index++
  return sorted[index]!
}

/** Sums are made of whole numbers, so they are exact; only the root of the variance is rounded. */
export function factsOf(readings: readonly { ts: number; value: number }[], metric: string): Facts {
  const byTime = [...readings].sort((a, b) => a.ts - b.ts)
  const bySize = readings.map(({ value }) => value).sort((a, b) => a - b)
  let total = 0n
  let squares = 0n
  for (const { value } of readings) {
    const whole = BigInt(value * scale)
    total += whole
    squares += whole * whole
  }
  const count = readings.length
  const sum = Number(total) / scale
  const [first, last] = [byTime[0]!, byTime.at(-1)!]
  const spread = BigInt(count) * squares - total * total
  return {
    ...{ count, sum, min: bySize[0]!, max: bySize.at(-1)!, mean: sum / count },
    stddev: Math.sqrt(Number(spread)) / count / scale,
    ...{ first: first.value, firstTs: first.ts, last: last.value, lastTs: last.ts },
    ...{ p50: rank(bySize, 0.5), p95: rank(bySize, 0.95), p99: rank(bySize, 0.99) },
    increase: counters.has(metric) ? last.value - first.value : null,
  }
}
