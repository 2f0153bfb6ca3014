import { findMetric } from '@millrace/contracts'
import type { FormulaOf } from '../formula.ts'

const hourMs = 3_600_000
const dayMs = 86_400_000
/** Fewer earlier days than this say nothing of what is usual, where the rule asks for so many. */
const leastDays = 3
/** Makes the median absolute deviation of a normal distribution its standard deviation. */
const normal = 1.4826

function medianOf(sorted: Float64Array): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** A value that never varied still has the resolution of its sensor. */
function leastScale(metric: string): number {
  const known = findMetric(metric)
  return known ? 10 ** -known.decimals : 1e-9
}

interface Usual {
  hour: number
  median: number
  /** NaN where there are too few days. */
  scale: number
}

/** How unusual a value is for its hour of the day: robust z-score against the same hour of the days before. */
export const deviation: FormulaOf<'deviation'> = {
  kind: 'deviation',
  fields: ({ field }) => [field],
  reachMs: ({ days }) => days * dayMs + hourMs,
  create({ field, days }, tracks, metric) {
    const track = tracks.get(field)!
    const least = leastScale(metric)
    let usual: Usual | undefined

    function usualAt(hour: number): Usual {
      const values: number[] = []
      let daysWithValues = 0
      for (let day = 1; day <= days; day++) {
        const before = values.length
        track.each(hour - day * dayMs, hour - day * dayMs + hourMs, (_start, value) => values.push(value))
        if (values.length > before) daysWithValues++
      }
      if (daysWithValues < Math.min(leastDays, days)) return { hour, median: Number.NaN, scale: Number.NaN }
      const median = medianOf(Float64Array.from(values).sort())
      const spread = medianOf(Float64Array.from(values, (value) => Math.abs(value - median)).sort())
      return { hour, median, scale: Math.max(normal * spread, least) }
    }

    return {
      value(start) {
        const hour = Math.floor(start / hourMs) * hourMs
        if (usual?.hour !== hour) usual = usualAt(hour)
        return (track.get(start) - usual.median) / usual.scale
      },
      affected(start, _lengthMs, take) {
        take(start)
        const hour = Math.floor(start / hourMs) * hourMs
        if (usual && hour < usual.hour) usual = undefined
        for (let later = hour + dayMs; later <= Math.min(track.newest, hour + days * dayMs); later += dayMs) {
          track.each(later, later + hourMs, take)
        }
      },
    }
  },
}
