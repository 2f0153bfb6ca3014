import fc from 'fast-check'
import { expect, it } from 'vitest'
import { NumberSet } from './ranges.ts'

it('a set of numbers holds what was added, in as few ranges as can be', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 60 })), (numbers) => {
      const set = new NumberSet()
      for (const n of numbers) set.add(n)
      const model = new Set(numbers)
      for (let n = -1; n <= 61; n++) expect(set.has(n)).toBe(model.has(n))
      expect(set.size).toBe(model.size)
      for (const [n, [from, to]] of set.ranges.entries()) {
        expect(to).toBeGreaterThanOrEqual(from)
        expect(from).toBeGreaterThan((set.ranges[n - 1]?.[1] ?? -2) + 1)
      }
    }),
  )
})
