import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Alert } from '@millrace/contracts'
import { type ManualClock, manualClock, silentLogger } from '@millrace/pipeline'
import { compileRules, createEngine } from '@millrace/rules'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Evaluator } from './evaluate/evaluator.ts'
import { LiveReadings } from './evaluate/live-readings.ts'
import { Presence } from './evaluate/presence.ts'
import type { EvaluationSpool } from './evaluation.ts'
import { stores } from './store/index.ts'
import { mergeAll } from './store/merge.ts'
import type { Store } from './stored.ts'
import { minuteMs, noon } from './testing/rows.ts'
import { StepByStep } from './testing/step-by-step.ts'

const horizonMs = 24 * 3_600_000
const rule = { id: 'warm', at: 'cloud', kind: 'threshold', select: { metric: 'temperature' }, above: 20, for: '2m' }
const { rules } = compileRules([{ name: 'rules.yaml', content: { rules: [rule] } }], { windowMs: minuteMs })

let dataDir: string
let clock: ManualClock
let store: Store
let steps: StepByStep
let told: Alert[]
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-evaluator-'))
  clock = manualClock(noon + 10 * minuteMs)
  store = await stores.create({ type: 'duckdb' }, { dataDir, clock, log: silentLogger })
  steps = await StepByStep.open({ dataDir, store, clock })
  told = []
})
afterEach(async () => {
  await steps.close()
  await store.close()
  rmSync(dataDir, { recursive: true })
})

/** As after a start: state and place come from the spool. */
async function restarted(wrap: (spool: EvaluationSpool) => EvaluationSpool = (spool) => spool): Promise<Evaluator> {
  const spool = steps.custody.evaluation
  const saved = [...(await spool.state())].map(([key, bytes]) => [key.replace('engine/', ''), bytes] as const)
  const engine = createEngine({ rules, owner: 'cloud', evaluator: 'ingest', horizonMs }, new Map(saved))
  const evaluator = new Evaluator({
    ...{ engine, clock, horizonMs, logger: silentLogger, log: steps.custody.log, spool: wrap(spool) },
    ...{ presence: new Presence(), readings: new LiveReadings(engine), listening: () => true },
    merge: (windows) => mergeAll(windows).rows,
    plan(alerts) {
      return { statements: [], committed: () => void told.push(...alerts) }
    },
  })
  await evaluator.begin()
  return evaluator
}

const send = (seq: number, ...means: number[]) =>
  steps.send({
    seq,
    rows: means.map((mean, index) => ({ start: noon + (seq * 4 + index) * minuteMs, values: [mean] })),
  })
const shapes = (alerts: readonly Alert[]) => alerts.map(({ state, rev }) => `${state} ${rev}`)
const kept = async () => shapes(await steps.custody.alerts.list({ from: 0, to: 2 * noon, limit: 100 }))

test('a step that could not be kept is kept before anything else, and told once', async () => {
  let failures = 2
  const failing = (spool: EvaluationSpool): EvaluationSpool => ({
    place: () => spool.place(),
    placeAt: (ms) => spool.placeAt(ms),
    receivedAfter: (place) => spool.receivedAfter(place),
    state: () => spool.state(),
    heard: () => spool.heard(),
    commit: async (step) => {
      if (failures-- > 0) throw new Error('no room')
      await spool.commit(step)
    },
  })
  const evaluator = await restarted(failing)
  await send(0, 25, 25, 25)
  await expect(evaluator.step()).rejects.toThrow('no room')
  await send(1, 10)
  await expect(evaluator.step()).rejects.toThrow('no room')
  expect(await kept()).toEqual([])
  while (await evaluator.step());
  expect(await kept()).toEqual(['cleared 1'])
  expect(shapes(told)).toEqual(['active 0', 'cleared 1'])
  expect(evaluator.state().behind).toBe(0)
})

test('ended after any step, it goes on as if it had never ended', async () => {
  await send(0, 25, 25, 25)
  await (await restarted()).step()
  expect(await kept()).toEqual(['active 0'])
  expect(await (await restarted()).step()).toBe(false)
  await send(1, 25, 10)
  const again = await restarted()
  while (await again.step());
  expect(await kept()).toEqual(['cleared 1'])
  expect(shapes(told).filter((text) => text === 'cleared 1')).toHaveLength(1)
})

test('rules that were away for longer than they look back begin anew, and tell only what still is', async () => {
  await (await restarted()).step()
  await send(0, 25, 25, 10)
  clock.advance(2 * horizonMs)
  const late = Math.floor(clock.now() / minuteMs) * minuteMs
  const rows = (device: string, ...means: number[]) =>
    means.map((mean, index) => ({ device, start: late - (4 - index) * minuteMs, values: [mean] }))
  await steps.send({ seq: 1, rows: [...rows('fan', 25, 25, 10), ...rows('valve', 10, 25, 25)] })
  const evaluator = await restarted()
  while (await evaluator.step());
  expect(
    (await steps.custody.alerts.list({ from: 0, to: 2 * late, limit: 9 })).map(({ device }) => device).sort(),
  ).toEqual(['fan', 'valve'])
  expect(told.map(({ device }) => device)).toEqual(['valve'])
})
