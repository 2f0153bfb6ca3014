import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RangeSet } from './range-set.ts'

type Step = { add: number } | { range: [number, number] } | { union: number[] }
const n = fc.nat(30)
const step: fc.Arbitrary<Step> = fc.oneof(
  n.map((add) => ({ add })),
  fc.tuple(n, fc.nat(6)).map(([from, more]): Step => ({ range: [from, from + more] })),
  fc.array(n, { maxLength: 5 }).map((union) => ({ union })),
)

function setOf(numbers: Iterable<number>): RangeSet {
  const set = new RangeSet()
  for (const one of numbers) set.add(one)
  return set
}

function take(set: RangeSet, model: Set<number>, next: Step): void {
  if ('add' in next) {
    expect(set.add(next.add)).toBe(!model.has(next.add))
    model.add(next.add)
  } else if ('range' in next) {
    set.addRange(...next.range)
    for (let one = next.range[0]; one <= next.range[1]; one++) model.add(one)
  } else {
    set.union(setOf(next.union))
    for (const one of next.union) model.add(one)
  }
}

it('is a set of numbers, in the fewest ranges, whatever is added and however', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const set = new RangeSet()
      const model = new Set<number>()
      for (const next of steps) take(set, model, next)
      const numbers = [...model].sort((a, b) => a - b)
      expect(set.ranges().flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))).toEqual(
        numbers,
      )
      expect([set.count, set.first, set.last]).toEqual([model.size, numbers[0], numbers.at(-1)])
      for (let one = 0; one < 40; one++) expect(set.has(one)).toBe(model.has(one))
      const ranges = set.ranges()
      expect(ranges.every(([from], i) => i === 0 || from > ranges[i - 1]![1] + 1)).toBe(true)
      expect(RangeSet.decode(set.encode()).ranges()).toEqual(ranges)
    }),
    { numRuns: 500 },
  )
})

it('forgets its lowest range as a whole', () => {
  const set = setOf([1, 2, 3, 7, 9])
  set.dropLowest()
  expect([set.ranges(), set.count]).toEqual([
    [
      [7, 7],
      [9, 9],
    ],
    2,
  ])
})
