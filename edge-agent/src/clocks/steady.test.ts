import { manualClock } from '@millrace/pipeline'
import { expect, it } from 'vitest'
import { steadiness } from './steady.ts'

it('a clock that runs faster than real time is steady only once it has kept to it for longer than the minima are kept', () => {
  const clock = manualClock(0)
  let realMs = 0
  const isSteady = steadiness(clock, () => realMs)
  const pass = (seconds: number, speed: number) => {
    for (let second = 0; second < seconds; second += 10) {
      clock.advance(10_000 * speed)
      realMs += 10_000
      isSteady()
    }
    return isSteady()
  }
  expect(pass(600, 1)).toBe(true)
  expect(pass(10, 60)).toBe(false)
  expect(pass(1_190, 1)).toBe(false)
  expect(pass(30, 1)).toBe(true)
  // Held still, as while a stack's history is published.
  expect(pass(10, 0)).toBe(false)
})
