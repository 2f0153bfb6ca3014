import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ServerClock } from './clock.ts'
import { Fleet, freshnessOf } from './fleet.ts'
import { RecentReadings } from './readings.ts'

test('readings are kept ascending, once per moment, in any order of arrival and never beyond the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 400 }), (times) => {
      const recent = new RecentReadings(100)
      for (const ts of times) recent.add(ts, ts * 2)
      expect(recent.ts.length).toBeLessThanOrEqual(164)
      expect(recent.ts).toEqual([...new Set(recent.ts)].sort((a, b) => a - b))
      expect(recent.value).toEqual(recent.ts.map((ts) => ts * 2))
      const newest = [...new Set(times)].sort((a, b) => a - b).slice(-100)
      if (times.length <= 164) expect(recent.ts).toEqual([...new Set(times)].sort((a, b) => a - b))
      else expect(recent.ts.at(-1)).toBe(newest.at(-1))
      expect(recent.from(250)).toBe(recent.ts.filter((ts) => ts < 250).length)
    }),
  )
})

test('a late reading never takes the place of the newest value', () => {
  const fleet = new Fleet()
  const reading = (ts: number, value: number) => ({ device: 'd', metric: 'm', unit: 'W', ts, value })
  fleet.putReadings({ site: 's', readings: [reading(2_000, 2), reading(1_000, 1)] })
  fleet.putSeries([{ site: 's', device: 'd', metric: 'm', unit: 'W', lastTs: 500, lastValue: 0 }])
  expect(fleet.device('s', 'd')?.series.get('m')).toMatchObject({ lastTs: 2_000, lastValue: 2 })
  expect(fleet.device('s', 'd')?.lastTs).toBe(2_000)
  expect([fleet.shape, fleet.readings, fleet.deviceCount()]).toEqual([1, 2, 1])
})

test('a last will keeps what the birth said and marks the agent as away', () => {
  const fleet = new Fleet()
  fleet.putStatus({ v: 1, agent: 'edge', site: 's', online: true, at: 5, version: '0.1.0' })
  fleet.putStatus({ v: 1, agent: 'edge', site: 's', online: false })
  expect(fleet.agents.get('s/edge')).toMatchObject({ online: false, version: '0.1.0', at: 5 })
})

test('freshness changes at 30 seconds and 5 minutes', () => {
  expect([30_000, 30_001, 300_000, 300_001].map(freshnessOf)).toEqual(['live', 'quiet', 'quiet', 'silent'])
})

test("the clock follows the ingest's speed, stands while it stands and does not jitter at speed 1", () => {
  const clock = new ServerClock()
  clock.sample(1_000_000, 0)
  expect(clock.now(500)).toBe(1_000_500)
  clock.sample(1_010_000, 1_000)
  expect(clock.now(2_000)).toBe(1_020_000)
  clock.sample(1_020_000, 2_000)
  clock.sample(1_020_000, 4_000)
  expect(clock.now(9_000)).toBe(1_020_000)
  clock.sample(1_022_040, 6_000)
  expect(clock.now(7_000)).toBe(1_023_040)
})
