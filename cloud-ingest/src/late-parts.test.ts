import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloudTopic } from '@millrace/contracts'
import { type ManualClock, manualClock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { deadLetters } from '@millrace/spool'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeMessage } from './decode/index.ts'
import type { BodyHead, Spooled } from './received.ts'
import { replayLetter } from './replay.ts'
import { keepPartsMs } from './spool/group.ts'
import { Custody } from './spool/index.ts'
import { daysIn } from './store/days.ts'
import { Feeder } from './store/feeder.ts'
import { stores } from './store/index.ts'
import type { Store } from './stored.ts'
import { type BodySpec, minuteMs, noon, summariesBody } from './testing/rows.ts'

const hourMs = 60 * minuteMs
const all = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: noon * 2 }

/** Spool, store and feeder without a broker, moved step by step. */
let clock: ManualClock
let dataDir: string
let custody: Custody
let store: Store
let feeder: Feeder
let stopping: AbortController
let received = 0

beforeEach(async () => {
  clock = manualClock(noon + minuteMs)
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-late-'))
  store = await stores.create({ type: 'duckdb' }, { dataDir, clock, log: silentLogger })
  await open()
})

afterEach(async () => {
  await close()
  await store.close()
  rmSync(dataDir, { recursive: true })
})

async function open(): Promise<void> {
  const maxBytes = 64 * 1024 * 1024
  const committed = (_owed: unknown, messages: readonly unknown[]) => {
    received += messages.length
  }
  custody = await Custody.open({ dataDir, maxBytes, clock, log: silentLogger, committed })
  stopping = new AbortController()
  void custody.receiver.run(stopping.signal)
  const days = daysIn('UTC')
  feeder = new Feeder({
    name: 'duckdb',
    type: 'duckdb',
    store,
    log: custody.log,
    clock,
    days,
    logger: silentLogger,
    accountable: true,
    rollupEveryMs: { hours: 0, days: 0 },
  })
}

async function close(): Promise<void> {
  stopping.abort()
  await custody.close()
}

async function send(spec: BodySpec, body = summariesBody(spec)): Promise<void> {
  const before = received
  const topic = cloudTopic({ site: body.site, agent: body.agent, kind: 'summaries' })
  const decoded = decodeMessage({ topic, body: Buffer.from(JSON.stringify(body)) })
  if (decoded.kind !== 'spooled') throw new Error('not a body')
  void custody.receiver.offer(decoded.spooled)
  await until(() => received > before)
  while (await feeder.step());
}

async function rows() {
  return (await store.readRows('minutes', [all]))[0]!
}

async function total() {
  return (await custody.accounts(feeder.position)).total
}

async function passTwoDays(): Promise<void> {
  clock.advance(49 * hourMs)
  await custody.purge(clock.now(), feeder.position)
}

test('a part after 48 h replaces the stored row of its own agent and spool, and the accounts follow', async () => {
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  await passTwoDays()
  await send({ seq: 1, rows: [{ rev: 1, values: [1, 2, 3, 4, 5] }] })
  expect(await rows()).toMatchObject([{ count: 5, rev: 1, parts: 1 }])
  expect(await total()).toMatchObject({ held: 5, refused: 0, mismatch: 0 })
  await send({ seq: 2, rows: [{ rev: 2, values: [1, 2, 3, 4, 5, 6] }] })
  expect(await rows()).toMatchObject([{ count: 6, rev: 2 }])
  expect(await total()).toMatchObject({ held: 6, mismatch: 0 })
})

test('a part after 48 h never replaces what another agent sent: it is set aside and counted as refused', async () => {
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  await passTwoDays()
  await send({ agent: 'edge-2', spool: 'spool-b', seq: 0, rows: [{ values: [9] }] })
  expect(await rows()).toMatchObject([{ count: 3, agent: 'edge', rev: 0 }])
  expect(await total()).toMatchObject({ held: 3, refused: 1, deadLetters: 1, mismatch: 0 })
  expect(await custody.deadLetters()).toMatchObject([{ reason: 'late-part', readings: 1 }])
})

test('a part after 48 h of a window that several agents shared is set aside', async () => {
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  await send({ agent: 'edge-2', spool: 'spool-b', seq: 0, rows: [{ values: [9] }] })
  await passTwoDays()
  await send({ agent: 'edge-2', spool: 'spool-b', seq: 1, rows: [{ rev: 1, values: [9, 10] }], sent: { pump: 2 } })
  expect(await rows()).toMatchObject([{ count: 4, parts: 2, max: 9 }])
  expect(await total()).toMatchObject({ refused: 2, deadLetters: 1 })
})

test('windows of long ago that nobody has sent before are stored, from two agents alike', async () => {
  const start = noon - 400 * 24 * hourMs
  await send({ seq: 0, rows: [{ start, values: [1, 2, 3] }] })
  await send({ agent: 'edge-2', spool: 'spool-b', seq: 0, rows: [{ start, values: [9] }] })
  await send({ seq: 1, rows: [{ start, rev: 1, values: [1, 2, 3, 4] }] })
  expect(await rows()).toMatchObject([{ count: 5, parts: 2, max: 9 }])
  expect(await total()).toMatchObject({ held: 5, refused: 0, deadLetters: 0, mismatch: 0 })
})

test('a repeat after 48 h changes nothing', async () => {
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  await passTwoDays()
  const before = await rows()
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  expect(await rows()).toEqual(before)
  expect(await total()).toMatchObject({ held: 3, conflicts: 0, deadLetters: 0 })
})

test('a letter is replayed while the spool has what came with it: after 48 h it would take the place of a newer row', async () => {
  const spec = { seq: 0, rows: [{ values: [1, 2, 3] }], sent: { pump: 3 } }
  const bad = summariesBody(spec)
  bad.columns.min[0] = 99
  await send(spec, bad)
  const [letter] = await deadLetters.list(custody.spool)
  const sound = { ...letter!, nth: 1, body: Buffer.from(JSON.stringify(summariesBody(spec))) }
  const replay = async () => {
    const offer = (message: Spooled) => custody.receiver.offer(message)
    const context = { offer, knows: (head: BodyHead) => custody.knows(head), keptFromMs: clock.now() - keepPartsMs }
    const outcome = await replayLetter(sound, context)
    while (await feeder.step());
    return outcome
  }
  await send({ seq: 1, rows: [{ rev: 1, values: [1, 2, 3, 4, 5] }] })
  expect(await replay()).toMatchObject({ replayed: true })
  expect(await rows()).toMatchObject([{ count: 5 }])
  await passTwoDays()
  expect(await replay()).toMatchObject({ replayed: false, message: expect.stringContaining('left the spool') })
  expect(await rows()).toMatchObject([{ count: 5 }])
  expect(await total()).toMatchObject({ held: 5, refused: 0, mismatch: 0 })
})

test('a feeder that lost its cursor between the write and the settlement changes nothing by writing again', async () => {
  await send({ seq: 0, rows: [{ values: [1, 2, 3] }] })
  await passTwoDays()
  const settle = custody.log.settle
  custody.log.settle = async () => {
    throw new Error('killed before the cursor was saved')
  }
  await expect(send({ seq: 1, rows: [{ rev: 1, values: [1, 2, 3, 4] }] })).rejects.toThrow('killed')
  const written = await rows()
  custody.log.settle = settle
  await close()
  await open()
  const stopped = new AbortController()
  const running = feeder.run(stopped.signal)
  await until(() => feeder.state().behind === 0 && feeder.position > 0)
  stopped.abort()
  await running
  expect((await rows()).map(({ writtenMs: _written, ...row }) => row)).toEqual(
    written.map(({ writtenMs: _written, ...row }) => row),
  )
  expect(await total()).toMatchObject({ held: 4, refused: 0, mismatch: 0 })
})

test('an hour is the merge of its minutes, and once those are gone it takes in what comes late', async () => {
  for (const minute of [0, 1])
    await send({ seq: minute, rows: [{ start: noon + minute * minuteMs, values: [minute] }] })
  const hour = async () => (await store.readRows('hours', [all]))[0]!
  await until(async () => {
    await feeder.step()
    return (await hour())[0]?.count === 2
  })
  clock.advance(91 * 24 * hourMs)
  await custody.purge(clock.now(), feeder.position)
  await store.expire()
  expect(await rows()).toEqual([])
  clock.advance(1)
  await send({ seq: 2, rows: [{ start: noon + 2 * minuteMs, values: [2, 2, 2] }], sent: { pump: 5 } })
  await until(async () => {
    await feeder.step()
    return (await hour())[0]?.count === 5
  })
  expect(await hour()).toMatchObject([{ count: 5, min: 0, max: 2, first: 0, last: 2 }])
})
