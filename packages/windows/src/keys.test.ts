import { describe, expect, it } from 'vitest'
import { anchor, data, minuteMs, TestAgent, type TestReading, t0 } from '../testing/harness.ts'
import { unstamped } from './types.ts'

/** The values counted of these readings of one series, in order, as they came at once and as they came one by one. */
function counted(...readings: Omit<TestReading, 'series'>[]): number[][] {
  return [[readings], readings.map((one) => [one])].map((groups) => {
    const agent = new TestAgent().apply(anchor(t0 + 10 * minuteMs))
    for (const group of groups) agent.apply(data(group.map((one) => ({ series: 10, ...one })))).checkpoint()
    const summary = agent.idle(1).checkpoint().row(10, t0)!.summary
    return [summary.count, summary.first, summary.last]
  })
}
const bothWays = (...expected: number[]) => [expected, expected]

describe('what makes two readings the same', () => {
  it('is (boot, seq) where both are given: whatever else differs, the first in time counts', () => {
    const [a, b] = [
      { ts: t0 + 5, seq: 7, boot: 1, value: 1 },
      { ts: t0 + 9, seq: 7, boot: 1, value: 2 },
    ]
    expect(counted(a, b)).toEqual(bothWays(1, 1, 1))
    expect(counted(b, a)).toEqual(bothWays(1, 1, 1))
    expect(counted(a, { ...b, boot: 2 })).toEqual(bothWays(2, 1, 2))
    expect(counted(a, { ...b, seq: 8 })).toEqual(bothWays(2, 1, 2))
  })

  it('is (boot, seq) also where numbers fall in time', () => {
    const readings = [
      { ts: t0 + 1, seq: 9, boot: 1, value: 1 },
      { ts: t0 + 2, seq: 3, boot: 1, value: 2 },
      { ts: t0 + 3, seq: 9, boot: 1, value: 3 },
    ]
    expect(counted(...readings)).toEqual(bothWays(2, 1, 2))
    expect(counted(...readings.toReversed())).toEqual(bothWays(2, 1, 2))
  })

  it('is (seq, ts) without a boot: the same number at another time is another reading', () => {
    const one = { ts: t0, seq: 7, value: 1 }
    expect(counted(one, { ...one, ts: t0 + 1, value: 2 })).toEqual(bothWays(2, 1, 2))
    expect(counted(one, { ...one, value: 2 })).toEqual(bothWays(1, 1, 1))
    expect(counted(one, { ...one, seq: 8, value: 2 })).toEqual(bothWays(2, 1, 2))
  })

  it('is (ts, value) without a number', () => {
    const one = { ts: t0, value: 1 }
    expect(counted(one, one)).toEqual(bothWays(1, 1, 1))
    expect(counted(one, { ...one, value: 2 })).toEqual(bothWays(2, 1, 2))
    expect(counted(one, { ...one, ts: t0 + 1 })).toEqual(bothWays(2, 1, 1))
    expect(counted({ ...one, seq: 0 }, one)).toEqual(bothWays(2, 1, 1))
  })

  it('is nothing for what has neither time nor number', () => {
    const arrivals = [1, 2, 3].map((n) => data([{ series: 10, ts: n, value: 5, flags: unstamped }]))
    const agent = new TestAgent().apply(anchor(t0), ...arrivals, ...arrivals)
    expect(agent.idle(1).checkpoint().row(10, t0)!.summary.count).toBe(6)
  })
})

it('at one time, boots come in order of their names and not of when they were first met', () => {
  // In the harness the name of a boot sorts against its id.
  const readings = [1, 2, 3].map((boot) => ({ ts: t0, seq: 1, boot, value: boot }))
  expect(counted(...readings)).toEqual(bothWays(3, 3, 1))
  expect(counted(...readings, { ts: t0, seq: 1, value: 9 })).toEqual(bothWays(4, 9, 1))
})

it('a closing of repeats alone makes no revision, so that the next one leaves no gap', () => {
  const agent = new TestAgent().apply(anchor(t0 + 10 * minuteMs))
  const told = (ts: number, value: number) => {
    agent
      .apply(data([{ series: 10, ts, value }]))
      .idle(1)
      .checkpoint()
    return agent.row(10, t0)!.rev
  }
  expect([told(t0, 1), told(t0, 1), told(t0, 1), told(t0 + 1, 2)]).toEqual([0, 0, 0, 1])
})
