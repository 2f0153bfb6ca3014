import { describe, expect, it } from 'vitest'
import { FailedLogins } from './failed-logins.ts'

const wrong = () => Promise.resolve(undefined)
const right = () => Promise.resolve('device' as const)

describe('guessed passwords', () => {
  it('are verified ten times, then after delays that double up to a minute', async () => {
    let nowMs = 0
    const logins = new FailedLogins(() => nowMs)
    for (let n = 0; n < 10; n++) expect(await logins.attempt('a', wrong)).toBeUndefined()
    expect(await logins.attempt('a', wrong)).toBeUndefined()
    const delays: number[] = []
    for (let n = 0; n < 12; n++) {
      const fromMs = nowMs
      while ((await logins.attempt('a', wrong)) === 'delayed') nowMs += 50
      delays.push(nowMs - fromMs)
    }
    expect(delays.slice(0, 4)).toEqual([250, 500, 1_000, 2_000])
    expect(delays.at(-1)).toBe(60_000)
  })

  it('of one address delay no other, and a right one ends the counting', async () => {
    const logins = new FailedLogins(() => 0)
    for (let n = 0; n < 11; n++) await logins.attempt('a', wrong)
    expect(await logins.attempt('a', right)).toBe('delayed')
    expect(await logins.attempt('b', right)).toBe('device')
    for (let n = 0; n < 9; n++) await logins.attempt('b', wrong)
    await logins.attempt('b', right)
    for (let n = 0; n < 10; n++) expect(await logins.attempt('b', wrong)).toBeUndefined()
    expect(await logins.attempt('b', right)).toBe('device')
  })

  it('are verified two at a time, whatever arrives at once, and the rest is not verified at all', async () => {
    const logins = new FailedLogins(() => 0)
    let running = 0
    let most = 0
    let verified = 0
    const slow = async () => {
      most = Math.max(most, ++running)
      verified++
      await new Promise((resolve) => setImmediate(resolve))
      running--
      return undefined
    }
    const outcomes = await Promise.all(Array.from({ length: 500 }, () => logins.attempt('a', slow)))
    expect(most).toBe(2)
    expect(verified).toBeLessThanOrEqual(12)
    expect(outcomes.filter((outcome) => outcome === 'delayed').length).toBe(500 - verified)
  })
})
