import type { FormulaOf } from '../formula.ts'

/** How fast a field changes: against the window `over` before, for each `per`. */
export const rate: FormulaOf<'rate'> = {
  kind: 'rate',
  fields: ({ field }) => [field],
  reachMs: ({ over }) => over,
  create({ field, over, per }, tracks) {
    const track = tracks.get(field)!
    return {
      value: (start) => ((track.get(start) - track.get(start - over)) * per) / over,
      affected(start, _lengthMs, take) {
        take(start)
        if (start + over <= track.newest) take(start + over)
      },
    }
  },
}
