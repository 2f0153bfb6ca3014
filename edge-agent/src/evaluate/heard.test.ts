import type { Alert } from '@millrace/contracts'
import { compileRules, createEngine } from '@millrace/rules'
import { WindowKeeper } from '@millrace/windows'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Names } from '../names.ts'
import { Heard } from './heard.ts'

const startMs = Date.UTC(2026, 0, 1)
const forMs = 60_000
const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 1_000, amendForMs: 86_400_000 }
const { rules } = compileRules([
  { name: 'r.yaml', content: { rules: [{ id: 'silent', at: 'edge', kind: 'silence', for: '60s' }] } },
])

interface Look {
  pauseMs: number
  heard: { device: number; agoMs: number }[]
}

/** Pauses between looks of the agent, and who was heard between them how long before the look. */
const looks = fc.array(
  fc.record({
    pauseMs: fc.constantFrom(5_000, 5_000, 5_000, 5_000, 20_000, 45_000, 150_000),
    heard: fc.array(fc.record({ device: fc.integer({ min: 1, max: 3 }), agoMs: fc.integer({ min: 0, max: 5_000 }) }), {
      maxLength: 2,
    }),
  }),
  { maxLength: 120, size: 'max' },
)

/** Alerts of an agent that tells its rules of a device no more often than `everyMs` says. */
function alertsOf(seen: readonly Look[], everyOf: (hearingMs: number) => number) {
  const names = new Names({ site: 'hall', maxSeries: 100 })
  for (const device of ['a', 'b', 'c']) names.device('hall', device)
  const keeper = new WindowKeeper(names, settings)
  const newest = new Map<number, number>()
  keeper.eachHeard = (take) => {
    for (const [device, ms] of newest) take(device, ms, Number.NaN)
  }
  const engine = createEngine({ rules, owner: 'edge', evaluator: 'e' })
  const heard = new Heard(names, 'e')
  const told: Alert[][] = []
  let rowsTold = 0
  let at = startMs
  for (const { pauseMs, heard: some } of seen) {
    at += pauseMs
    for (const { device, agoMs } of some) newest.set(device, Math.max(newest.get(device) ?? 0, at - agoMs))
    const rows = heard.take(keeper, at, everyOf(engine.hearingMs))
    rowsTold += rows.length
    engine.heard(rows)
    engine.agent({ site: 'hall', agent: 'e', at, online: true, since: startMs })
    engine.advance(at)
    told.push(engine.takeAlerts().sort((a, b) => (a.id < b.id ? -1 : 1)))
  }
  return { told, rows: rowsTold }
}

it('told of devices only as often as it asks for, an engine finds the silences that it finds when told at every look, when it finds them', () => {
  fc.assert(
    fc.property(looks, (seen) => {
      const sparing = alertsOf(seen, (hearingMs) => hearingMs)
      const always = alertsOf(seen, () => 0)
      expect(sparing.told).toEqual(always.told)
      expect(sparing.rows).toBeLessThanOrEqual(always.rows)
    }),
    { numRuns: 200 },
  )
})

it('a device that is always heard is told twice in the shortest silence, and nobody where no rule asks', () => {
  const often = Array.from({ length: 240 }, () => ({ pauseMs: 5_000, heard: [{ device: 1, agoMs: 0 }] }))
  expect(alertsOf(often, (hearingMs) => hearingMs).rows).toBe((240 * 5_000) / (forMs / 2))
  expect(createEngine({ rules: [], owner: 'edge', evaluator: 'e' }).hearingMs).toBe(Number.POSITIVE_INFINITY)
  expect(alertsOf(often, () => Number.POSITIVE_INFINITY).rows).toBe(0)
})
