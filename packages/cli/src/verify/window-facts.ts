import type { NamedReading } from './letters.ts'
import type { SeriesReadings } from './series-readings.ts'

/** What a stored row must say. */
export interface WindowFacts {
  count: number
  sum: number
  /** Sum of absolute values: the scale on which sums may differ by rounding. */
  sumAbs: number
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
  increase: number | null
}

/** Summation that keeps what rounding drops, so that the check is sharper than what it checks. */
export class CarefulSum {
  #sum = 0
  #lost = 0

  add(value: number): void {
    const next = this.#sum + value
    this.#lost += Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - next + value : value - next + this.#sum
    this.#sum = next
  }

  get total(): number {
    return this.#sum + this.#lost
  }
}

function totalOf(values: readonly number[], of: (value: number) => number): number {
  const sum = new CarefulSum()
  for (const value of values) sum.add(of(value))
  return sum.total
}

/** The value at index ceil(q n) - 1 of the sorted values. */
export function nearestRank(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
}

/** Growth of a counter: the sum of its steps, a fall being a restart from zero. */
function increaseOf(values: readonly number[]): number {
  const sum = new CarefulSum()
  for (const [index, value] of values.entries()) {
    const before = values[index - 1]
    if (before !== undefined) sum.add(value >= before ? value - before : value)
  }
  return sum.total
}

/** `boot` is -1 for none, `seq` NaN. */
function keyText({ boot, seq, ts, value }: { boot: number; seq: number; ts: number | null; value: number }): string {
  if (Number.isNaN(seq)) return `v ${ts} ${value}`
  return boot >= 0 ? `b ${boot} ${seq}` : `s ${seq} ${ts}`
}

/** Two readings with one key are one reading, whatever their window counts them for. */
export function keyOf(readings: SeriesReadings, index: number): string {
  const [boot, seq, ts] = [readings.boot(index), readings.seq(index), readings.ts(index)]
  return keyText({ boot, seq, ts, value: readings.value(index) })
}

/** The key of a reading that somebody else names; `boots` are the names of those of the readings. */
export function keyOfNamed(boots: readonly string[], { boot, seq, ts, value }: NamedReading): string {
  return keyText({ boot: boot === undefined ? -1 : boots.indexOf(boot), seq: seq ?? Number.NaN, ts, value })
}

/** Sorted by (time, boot's name, seq with none first, value), the first of each key kept. */
export function distinct(readings: SeriesReadings, sorted: readonly number[]): number[] {
  const seen = new Set<string>()
  return sorted.filter((index) => {
    const key = keyOf(readings, index)
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** Order of readings in a window. `boots` are the names; none comes before every name. */
export function inOrder(readings: SeriesReadings, boots: readonly string[]): (a: number, b: number) => number {
  const bootName = (index: number) => boots[readings.boot(index)] ?? ''
  const seq = (index: number) => (Number.isNaN(readings.seq(index)) ? -1 : readings.seq(index))
  return (a, b) => {
    const byTime = readings.ts(a) - readings.ts(b)
    if (byTime !== 0) return byTime
    const [bootA, bootB] = [bootName(a), bootName(b)]
    if (bootA !== bootB) return bootA < bootB ? -1 : 1
    return seq(a) - seq(b) || readings.value(a) - readings.value(b)
  }
}

/** Facts of a window that holds these readings, sorted and distinct; at least one. */
export function factsOf(readings: SeriesReadings, kept: readonly number[], counter: boolean): WindowFacts {
  const values = kept.map((index) => readings.value(index))
  const sorted = Float64Array.from(values).sort()
  const ranks = [...sorted]
  const sum = totalOf(values, (value) => value)
  const mean = sum / values.length
  const variance = totalOf(values, (value) => (value - mean) ** 2) / values.length
  return {
    count: values.length,
    sum,
    sumAbs: totalOf(values, Math.abs),
    min: ranks[0]!,
    max: ranks.at(-1)!,
    mean,
    stddev: Math.sqrt(variance),
    first: values[0]!,
    firstTs: readings.ts(kept[0]!),
    last: values.at(-1)!,
    lastTs: readings.ts(kept.at(-1)!),
    p50: nearestRank(ranks, 0.5),
    p95: nearestRank(ranks, 0.95),
    p99: nearestRank(ranks, 0.99),
    increase: counter ? increaseOf(values) : null,
  }
}
