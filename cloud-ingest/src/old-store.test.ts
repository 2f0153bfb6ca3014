import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock, silentLogger, UnreachableError } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { daysIn } from './store/days.ts'
import { Feeder } from './store/feeder.ts'
import { stores } from './store/index.ts'
import type { Store } from './stored.ts'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'
import { StepByStep } from './testing/step-by-step.ts'

const clock = manualClock(noon + 5 * minuteMs)
const all = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: noon * 2 }
let dataDir: string
let current: Store
let away = false
const opened: Store[] = []

async function open(name: string): Promise<Store> {
  const folder = join(dataDir, name)
  mkdirSync(folder)
  const store = await stores.create({ type: 'duckdb' }, { dataDir: folder, clock, log: silentLogger })
  opened.push(store)
  return store
}

/** A store on another machine: whoever answers at its address now. */
const remote = new Proxy({} as Store, {
  get(_target, name) {
    const part = current[name as keyof Store] as ((...args: never[]) => unknown) | undefined
    return (
      part &&
      (async (...args: never[]) => {
        if (away && name !== 'close') throw new UnreachableError('no answer')
        return await Reflect.apply(part, current, args)
      })
    )
  },
})

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-old-store-'))
  away = false
  current = await open('first')
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(dataDir, { recursive: true })
})

const counts = async () => (await current.readRows('minutes', [all]))[0]!.map(({ start, count }) => [start, count])

test('a store that was away and comes back made anew is given again all that the spool has, without a new start', async () => {
  const steps = await StepByStep.open({ dataDir, store: remote, clock })
  const { custody } = steps
  const context = { store: remote, log: custody.log, clock, days: daysIn('UTC'), logger: silentLogger }
  const feeder = new Feeder({ ...context, name: 'tested', type: 'tested', accountable: true, stock: custody.stock })
  const stopping = new AbortController()
  const running = feeder.run(stopping.signal)
  try {
    await steps.receive({ seq: 0, rows: [{ start: noon, values: [1, 2, 3] }] })
    await until(() => feeder.state().behind === 0, { label: 'the first row' })
    away = true
    await steps.receive({ seq: 1, rows: [{ start: noon + minuteMs, values: [4] }] })
    await until(() => feeder.state().error !== null, { label: 'the failure' })
    current = await open('second')
    away = false
    await until(() => feeder.state().error === null && feeder.state().behind === 0, { label: 'the store takes rows' })
    expect(await counts()).toEqual([
      [noon, 3],
      [noon + minuteMs, 1],
    ])
  } finally {
    stopping.abort()
    await running
    await steps.close()
  }
})

test("newer rows of a series that nobody here heard of are another ingest's: what waits for the store is still given to it", async () => {
  const before = await StepByStep.open({ dataDir, store: current, clock })
  await before.receive({ rows: [{ start: noon }] })
  await before.close()
  const steps = await StepByStep.open({ dataDir, store: current, clock })
  const { custody } = steps
  const row = {
    site: 'south',
    device: 'fan',
    metric: 'humidity',
    unit: '%',
    lastTs: noon + 60 * minuteMs,
    lastValue: 1,
  }
  await custody.followsIfBehind('shared', [row, { ...row, site: 'north' }])
  expect(await custody.log.cursor('shared')).toBe(0)
  // Clocks that run at a speed of their own have moments between two milliseconds.
  clock.advance(0.5)
  await custody.followsIfBehind('own', [
    { ...row, site: 'north', device: 'pump', metric: 'temperature', lastTs: row.lastTs + 0.25 },
  ])
  expect(await custody.log.cursor('own')).toBe(custody.log.head())
  await steps.close()
})

test('a store that takes rows and never says what it holds is fed in the end, and rows go on while it cannot be looked at', async () => {
  const steps = await StepByStep.open({ dataDir, store: current, clock })
  const { custody } = steps
  let asked = 0
  const before = async () => {
    asked++
    throw new UnreachableError('too large for it')
  }
  let looks = true
  const store = new Proxy(current, {
    get(target, name) {
      const part = target[name as keyof Store] as (...args: never[]) => unknown
      if (name === 'check') return async () => undefined
      return async (...args: never[]) => {
        if (name === 'readCounts' && !looks) throw new UnreachableError('takes too long')
        return await Reflect.apply(part, target, args)
      }
    },
  })
  const context = { store, log: custody.log, clock, days: daysIn('UTC'), logger: silentLogger, before }
  const feeder = new Feeder({ ...context, name: 'tested', type: 'tested', accountable: true, stock: custody.stock })
  const stopping = new AbortController()
  const running = feeder.run(stopping.signal)
  try {
    await steps.receive({ seq: 0, rows: [{ start: noon, values: [1, 2, 3] }] })
    await until(async () => feeder.state().behind === 0, { withinMs: 20_000, label: 'a store that is fed' })
    expect(asked).toBe(5)
    looks = false
    for (let seq = 1; seq < 4; seq++) {
      await steps.receive({ seq, rows: [{ start: noon + seq * minuteMs, values: [4] }] })
      await until(() => feeder.state().behind === 0, { withinMs: 20_000, label: `row ${seq}` })
    }
    expect(await counts()).toHaveLength(4)
  } finally {
    stopping.abort()
    await running
    await steps.close()
  }
})

test('a store that answers only after the start keeps its newer rows beside an old copy of the spool', async () => {
  const create = stores.create.bind(stores)
  const opening = vi.spyOn(stores, 'create').mockImplementation(async (settings, context) => {
    current = await create(settings, context)
    return remote
  })
  const kept = join(dataDir, 'kept')
  const stack = await new Stack({ clock }).start()
  const spool = join(stack.dataDir, 'spool')
  try {
    away = true
    await stack.send({ seq: 0, rows: [{ start: noon, values: [1, 2, 3] }] })
    await stack.receipted(0)
    await stack.stopIngest()
    cpSync(spool, kept, { recursive: true })
    away = false
    await stack.startIngest()
    const more = { start: noon, rev: 1, values: [1, 2, 3, 4, 5] }
    await stack.send({ seq: 1, rows: [more, { start: noon + minuteMs }] })
    await stack.receipted(1)
    await stack.stored()
    await stack.stopIngest()

    rmSync(spool, { recursive: true })
    cpSync(kept, spool, { recursive: true })
    away = true
    await stack.startIngest()
    away = false
    await stack.stored()
    expect((await stack.summaries()).summaries.map(({ count }) => count)).toEqual([5, 3])
  } finally {
    await stack.stop()
    opening.mockRestore()
  }
})
