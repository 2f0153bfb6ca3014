import { expect, it } from 'vitest'
import { type Bounds, levelOf } from './bounds.ts'

const none = Number.POSITIVE_INFINITY
const above: Bounds = { low: -none, high: 8, clearLow: -none, clearHigh: 7 }
const outside: Bounds = { low: 2, high: 8, clearLow: 3, clearHigh: 7 }

it.each([
  [above, 8, 'between'],
  [above, 8.000001, 'bad'],
  [above, 7, 'good'],
  [above, 7.000001, 'between'],
  [outside, 2, 'between'],
  [outside, 1.999999, 'bad'],
  [outside, 3, 'good'],
  [outside, 2.999999, 'between'],
])('at a limit a value is not beyond it: %j, %d is %s', (bounds, value, level) => {
  expect(levelOf(value, bounds)).toBe(level)
})
