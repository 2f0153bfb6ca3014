import type { FormulaOf } from '../formula.ts'

/** A counter that falls has begun again at 0. */
function counterStep(from: number, to: number): number {
  return to >= from ? to - from : to
}

/**
 * Growth of a counter in the last `over`, steps between its windows included, so that a gap inside is bridged. Where the
 * first window of the span is missing, it is told only if what is there exceeds the bound already.
 */
export const increase: FormulaOf<'increase'> = {
  kind: 'increase',
  fields: () => ['increase', 'first', 'last'],
  reachMs: ({ over }) => over ?? 0,
  create({ over, above }, tracks) {
    const [grown, first, last] = [tracks.get('increase')!, tracks.get('first')!, tracks.get('last')!]
    return {
      value(start, lengthMs) {
        const own = grown.get(start)
        if (Number.isNaN(own) || (over ?? lengthMs) === lengthMs) return own
        const end = start + lengthMs
        const from = end - (over ?? lengthMs)
        let [sum, before, earliest] = [0, Number.NaN, Number.NaN]
        grown.each(from, end, (at, value) => {
          if (Number.isNaN(earliest)) earliest = at
          else sum += counterStep(before, first.get(at))
          sum += value
          before = last.get(at)
        })
        return earliest === from || sum > (above ?? Number.POSITIVE_INFINITY) ? sum : Number.NaN
      },
      affected(start, lengthMs, take) {
        const to = start + (over ?? lengthMs)
        if (start === grown.newest || to <= start) take(start)
        else grown.each(start, to, take)
      },
    }
  },
}
