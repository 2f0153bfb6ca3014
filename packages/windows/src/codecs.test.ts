import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageColumns, readingColumns } from '../testing/harness.ts'
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import type { SetRows } from './keeper-types.ts'
import { RangeSet } from './range-set.ts'
import { decodeSet, encodeSet } from './set-codec.ts'
import type { JournalEntry } from './types.ts'

const anyTime = fc.oneof(fc.integer({ min: 1.7e12, max: 1.8e12 }), fc.double().map(withoutMinusZero))
const anySeq = fc.oneof(fc.constant(Number.NaN), fc.maxSafeNat(), fc.nat(100))
const decimal = fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: 0, max: 6 }))
const anyValue = fc.oneof(
  fc.double(),
  decimal.map(([whole, decimals]) => whole / 10 ** decimals),
  fc.constantFrom(0, -0, 5e-324, -5e-324, Number.MAX_VALUE, 2 ** 53, 1e100, 0.1 + 0.2),
)
const anyRow = fc.record({
  series: fc.nat(2 ** 32 - 1),
  device: fc.nat(2 ** 32 - 1),
  ts: anyTime,
  seq: anySeq,
  boot: fc.nat(2 ** 30 - 1),
  value: anyValue,
  flags: fc.nat(3),
})

function withoutMinusZero(value: number): number {
  return value + 0
}

function setOf(rows: Parameters<typeof readingColumns>[0]): SetRows {
  const { length, ts, seq, boot, value, flags } = readingColumns(rows)
  return { length, ts, seq, boot, value, flags }
}

describe('set codec', () => {
  it('gives back every double it was given', () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 60 }), (rows) => {
        expect(decodeSet(encodeSet(setOf(rows)))).toEqual(setOf(rows))
      }),
      { numRuns: 500 },
    )
  })

  it('keeps each kind of value exactly over a whole column', () => {
    for (const value of [fc.double(), fc.float(), fc.integer().map((whole) => whole / 100), fc.constantFrom(0, -0)]) {
      fc.assert(
        fc.property(fc.array(value, { maxLength: 50 }), (values) => {
          const rows = setOf(values.map((v, i) => ({ series: 1, ts: i * 1000, value: v })))
          expect(decodeSet(encodeSet(rows))).toEqual(rows)
        }),
      )
    }
  })

  it('takes about 3 bytes a reading for regular data', () => {
    const rows = Array.from({ length: 3600 }, (_, i) => ({
      series: 1,
      ts: 1_763_640_000_000 + i * 1000 + ((i * 7919) % 11),
      seq: 5_000_000 + i,
      boot: 7,
      value: Math.round(2100 + 300 * Math.sin(i / 200) + ((i * 104729) % 13)) / 100,
    }))
    expect(encodeSet(setOf(rows)).length / rows.length).toBeLessThan(3)
  })

  it('ignores what columns hold beyond their length', () => {
    const rows = setOf([1, 2, 3].map((i) => ({ series: 1, ts: i, seq: i, value: i })))
    const short = setOf([1, 2].map((i) => ({ series: 1, ts: i, seq: i, value: i })))
    expect(encodeSet({ ...rows, length: 2 })).toEqual(encodeSet(short))
  })

  it('refuses cut, foreign and random bytes with an error and never hangs', () => {
    const bytes = encodeSet(setOf([1, 2, 3].map((i) => ({ series: 1, ts: i, seq: i * i, value: i / 3 }))))
    for (let cut = 0; cut < bytes.length; cut += 1) expect(() => decodeSet(bytes.subarray(0, cut))).toThrow(RangeError)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
        try {
          decodeSet(noise)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })
})

describe('journal codec', () => {
  it('gives back every batch', () => {
    const invalid = fc.record({ device: fc.nat(), reason: fc.string({ unit: 'grapheme' }), count: fc.nat() })
    fc.assert(
      fc.property(
        fc.array(anyRow, { maxLength: 40 }),
        fc.array(anyRow, { maxLength: 10 }),
        fc.array(invalid, { maxLength: 3 }),
        (readings, messages, refused) => {
          const batch = {
            arrivedMonotonicMs: 12.345,
            readings: readingColumns(readings),
            messages: messageColumns(messages),
            invalid: refused,
          }
          expect(decodeEntry(encodeEntry({ kind: 'data', batch }))).toEqual({ kind: 'data', batch })
        },
      ),
      { numRuns: 500 },
    )
  })

  it('gives back every other kind of entry', () => {
    const entries: JournalEntry[] = [
      { kind: 'start', epoch: 'e1' },
      { kind: 'anchor', monotonicMs: 0.1 + 0.2, wallMs: 1_763_640_000_000.5 },
      { kind: 'idle', devices: Uint32Array.of(3, 1, 2 ** 32 - 1) },
      { kind: 'retire', devices: Uint32Array.of() },
      { kind: 'span', amendSpanMs: 1 },
      { kind: 'settings', settings: { lengthMs: 1, latenessMs: 2, maxReadings: 3, amendForMs: 4 } },
    ]
    expect(entries.map((entry) => decodeEntry(encodeEntry(entry)))).toEqual(entries)
  })

  it('takes a builder’s columns that are longer than the batch', () => {
    const readings = { ...readingColumns([1, 2, 3].map((i) => ({ series: i, ts: i, value: i }))), length: 1 }
    const batch = { arrivedMonotonicMs: 1, readings, messages: messageColumns([]), invalid: [] }
    const entry = decodeEntry(encodeEntry({ kind: 'data', batch }))
    expect(entry.kind === 'data' && entry.batch.readings.value).toEqual(Float64Array.of(1))
  })
})

describe('RangeSet', () => {
  it('equals a set of numbers under any operations', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40)), fc.array(fc.nat(40)), (a, b) => {
        const model = new Set<number>()
        const set = new RangeSet()
        for (const n of a) {
          expect(set.add(n)).toBe(!model.has(n))
          model.add(n)
        }
        const other = new RangeSet()
        for (const n of b) other.add(n)
        set.union(other)
        for (const n of b) model.add(n)
        expect(set.count).toBe(model.size)
        for (let n = 0; n <= 42; n += 1) expect(set.has(n)).toBe(model.has(n))
        expect(RangeSet.decode(set.encode()).ranges()).toEqual(set.ranges())
        for (const [i, [first]] of set.ranges().entries()) {
          expect(i === 0 || first > set.ranges()[i - 1]![1] + 1).toBe(true)
        }
      }),
    )
  })

  it('holds numbers up to 2^53 - 1', () => {
    const set = new RangeSet()
    set.add(Number.MAX_SAFE_INTEGER)
    set.add(0)
    expect(RangeSet.decode(set.encode()).ranges()).toEqual([
      [0, 0],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ])
  })
})
