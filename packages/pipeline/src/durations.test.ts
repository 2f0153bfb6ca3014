import { expect, test } from 'vitest'
import { parseByteSize, parseDuration } from './index.ts'

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['1.5 m', 90_000],
  ['6h', 21_600_000],
  ['7d', 604_800_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '5', 's', '-1s', '1e3s', '1 fortnight', '1m30s', 'toString', '1constructor'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)

test.each([
  ['512B', 512],
  ['1kB', 1000],
  ['64KiB', 65_536],
  ['2GiB', 2 ** 31],
])('%s is %i bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})
