/** Statistics that a few wild numbers cannot move. All take at least one number. */

/** Nearest rank: index ceil(q n) - 1 of the sorted values. */
export function quantile(values: Float64Array, q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!
}

export function median(values: Float64Array): number {
  return quantile(values, 0.5)
}

/** Median of the distances from the median. */
export function medianDeviation(values: Float64Array): number {
  const middle = median(values)
  return median(values.map((value) => Math.abs(value - middle)))
}

/** Theil and Sen: the median of the slopes between all pairs; NaN below two different times. */
export function robustSlope(times: Float64Array, values: Float64Array): number {
  const slopes = new Float64Array((times.length * (times.length - 1)) / 2)
  let count = 0
  for (let a = 0; a < times.length; a++) {
    for (let b = a + 1; b < times.length; b++) {
      const run = times[b]! - times[a]!
      if (run !== 0) slopes[count++] = (values[b]! - values[a]!) / run
    }
  }
  return count === 0 ? Number.NaN : median(slopes.subarray(0, count))
}
