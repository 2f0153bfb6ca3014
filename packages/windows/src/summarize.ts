import { ExactSum } from './exact-sum.ts'
import type { SetRows, SummaryContext, SummaryValues } from './keeper-types.ts'
import { nearestRank } from './nearest-rank.ts'
import { sketchOf } from './sketch.ts'
import { unstamped } from './types.ts'

/**
 * A pure function of a set (sorted, without repeats, not empty): equal sets give equal bytes.
 * Percentiles are exact, by nearest rank. Throws RangeError on an empty set.
 */
export function summarize(set: SetRows, context: SummaryContext): SummaryValues {
  const last = set.length - 1
  if (last < 0) throw new RangeError('a summary needs a reading')
  const values = set.value.subarray(0, set.length)
  const sorted = values.slice().sort()
  const min = sorted[0]!
  const max = sorted[last]!
  const { sum, mean, stddev } = moments(values, min, max)
  const percentile = (q: number) => sorted[nearestRank(q, set.length)]! + 0
  return {
    start: context.start,
    lengthMs: context.lengthMs,
    count: set.length,
    sum,
    // Adding 0 turns -0 into 0, which JSON could not tell apart.
    min: min + 0,
    max: max + 0,
    mean,
    stddev,
    first: set.value[0]! + 0,
    firstTs: set.ts[0]!,
    last: set.value[last]! + 0,
    lastTs: set.ts[last]!,
    p50: percentile(0.5),
    p95: percentile(0.95),
    p99: percentile(0.99),
    sketch: sketchOf(sorted),
    increase: context.kind === 'counter' ? increaseOf(values) : null,
    amended: context.amended ?? 0,
    duplicate: context.duplicate ?? 0,
    unstamped: unstampedCount(set),
  }
}

export function unstampedCount(set: SetRows): number {
  let count = 0
  for (let i = 0; i < set.length; i += 1) count += set.flags[i]! & unstamped
  return count
}

/** Growth of a counter from one value to the next: a fall is a reset to 0, after which it grew to `next` (as Prometheus `increase`, without extrapolation). */
export function counterStep(before: number, next: number): number {
  return next >= before ? next - before : Math.max(0, next)
}

function increaseOf(values: Float64Array): number {
  const sum = new ExactSum()
  for (let i = 1; i < values.length; i += 1) sum.add(counterStep(values[i - 1]!, values[i]!))
  return sum.value
}

/** Population standard deviation by the corrected two-pass formula (Chan, Golub, LeVeque 1983, eq. 1.7). */
function moments(values: Float64Array, min: number, max: number): { sum: number; mean: number; stddev: number } {
  const count = values.length
  const total = new ExactSum()
  for (let i = 0; i < count; i += 1) total.add(values[i]!)
  const sum = total.value + 0
  const mean = clamp(sum / count, min, max)
  let squares = 0
  let rest = 0
  for (let i = 0; i < count; i += 1) {
    const distance = values[i]! - mean
    squares += distance * distance
    rest += distance
  }
  return { sum, mean, stddev: Math.sqrt(Math.max(0, squares - (rest * rest) / count) / count) }
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max) + 0
}
