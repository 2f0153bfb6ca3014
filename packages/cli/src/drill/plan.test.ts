import fc from 'fast-check'
import { expect, test } from 'vitest'
import { actNames, planActs, planKills } from './plan.ts'
import { type Victim, victims } from './target.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })

test('acts share what is left of the duration once draining and the recount have their part', () => {
  const acts = planActs(actNames, 120_000)
  expect(acts.map(({ name }) => name)).toEqual([...actNames])
  expect(acts.reduce((sum, { lengthMs }) => sum + lengthMs, 0)).toBeCloseTo(96_000, -1)
  expect(planActs(['kills'], 20_000)).toEqual([{ name: 'kills', lengthMs: 10_000 }])
  for (const { lengthMs } of planActs(actNames, 20_000)) expect(lengthMs).toBeGreaterThan(500)
})

test('every plan kills each of them alone, all at once, and one of them before the last kill is over', () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 0, max: 600_000 }), (seed, lengthMs) => {
      const kills = planKills(lengthMs, victims, seed)
      const alone = kills.filter((kill) => kill.victims.length === 1).map((kill) => kill.victims[0])
      expect(new Set(alone).size).toBe(victims.length)
      expect(kills.some((kill) => kill.victims.length === victims.length)).toBe(true)
      expect(kills.some(({ again }) => again)).toBe(true)
      expect(kills[0]?.again).toBe(false)
      for (const kill of kills) expect(new Set(kill.victims).size).toBe(kill.victims.length)
    }),
  )
})

test('the same seed plans the same, another one differently, and a longer act has more kills', () => {
  expect(planKills(30_000, victims, 7)).toEqual(planKills(30_000, victims, 7))
  expect(planKills(30_000, victims, 8)).not.toEqual(planKills(30_000, victims, 7))
  expect(planKills(300_000, victims, 7).length).toBeGreaterThan(planKills(30_000, victims, 7).length)
})

test('only what there is is killed', () => {
  const there: Victim[] = ['agent', 'ingest']
  for (const { victims: killed } of planKills(60_000, there, 3))
    for (const victim of killed) expect(there).toContain(victim)
})
