import { expect, test } from 'vitest'
import { Pace } from './pace.ts'

const minuteMs = 60_000

test('a burst at the start, such as six hours of a past, is no pace', () => {
  const pace = new Pace()
  expect(pace.take(10_000, 500_000_000)).toBeNull()
  expect(pace.take(minuteMs, 1_000_000_000)).toBeNull()
  expect(pace.take(minuteMs + 30_000, 1_000_003_000)).toBeNull()
  expect(pace.take(2 * minuteMs, 1_000_006_000)).toBe(0.1)
})

test('what was longer than an hour ago is forgotten, in a few marks', () => {
  const pace = new Pace()
  const slowUntil = 100 * minuteMs
  const totalAt = (ms: number) => Math.min(ms, slowUntil) * 5 + Math.max(0, ms - slowUntil)
  const told = Array.from({ length: 1_000 }, (_, n) => pace.take(n * 15_000, totalAt(n * 15_000)))
  expect(told[400]).toBe(5)
  expect(told.at(-1)).toBe(1)
})
