import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeSketches, sketchOf, sketchQuantile } from './sketch.ts'

const value = fc.oneof(
  fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -30, max: 30, noNaN: true }),
)
const values = fc.array(value, { minLength: 1, maxLength: 80 })

function sorted(numbers: readonly number[]): Float64Array {
  return Float64Array.from(numbers).sort()
}

/** By definition: the smallest value that at least the share q does not exceed. */
function quantile(numbers: readonly number[], percent: number): number {
  const all = sorted(numbers)
  return all.find((candidate) => all.filter((v) => v <= candidate).length * 100 >= percent * all.length)!
}

describe('sketch', () => {
  it('answers within 1 % of the nearest rank, for negatives and zeros too', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 100 }), (numbers, percent) => {
        const exact = quantile(numbers, percent)
        const answer = sketchQuantile(sketchOf(sorted(numbers)), percent / 100)
        // Values under 1e-300 in size count as zero.
        expect(Math.abs(answer - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.01 * (1 + 1e-9) + 1e-300)
      }),
      { numRuns: 1000 },
    )
  })

  it('of merged parts is the sketch of their union, byte for byte, in any grouping', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const union = sketchOf(sorted([...a, ...b, ...c]))
        const parts = [a, b, c].map((part) => sketchOf(sorted(part)))
        expect(mergeSketches(parts)).toBe(union)
        expect(mergeSketches([parts[0]!, mergeSketches([parts[2]!, parts[1]!])])).toBe(union)
      }),
    )
  })

  it('is small: 60 readings of a room’s temperature take under 60 characters', () => {
    const room = Array.from({ length: 60 }, (_, i) => 21 + Math.sin(i / 10))
    expect(sketchOf(sorted(room)).length).toBeLessThan(60)
  })

  it('of nothing is empty and merges as nothing', () => {
    const empty = sketchOf(new Float64Array(0))
    const one = sketchOf(Float64Array.of(7))
    expect(sketchQuantile(empty, 0.5)).toBeNaN()
    expect(mergeSketches([empty, one, mergeSketches([])])).toBe(one)
  })

  it('refuses text that is no sketch', () => {
    for (const text of ['', '!', 'AAAA', '/////w==']) expect(() => sketchQuantile(text, 0.5)).toThrow(RangeError)
  })
})
