import type { AgentExplanation, ExplainedWindow } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { Bench, freePort } from './testing/fixture.ts'

const lengthMs = 10_000
let bench: Bench
let agent: Agent
let device: Device
/** Start of a window two hours ago. */
let baseMs: number

beforeEach(async () => {
  bench = new Bench()
  baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
  const { port: cloudPort } = await bench.broker()
  await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
  agent = await bench.agent({ dataDir: await bench.folder(), cloudPort, windows: { amendFor: '1h' } })
  device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
})
afterEach(() => bench.close())

const send = async (boot: string, seq: number, offsetMs: number) =>
  await device.send({ ts: baseMs + offsetMs, seq, boot, readings: { temperature: seq } })

async function ask(about: Record<string, string | number>): Promise<{ status: number; found: AgentExplanation }> {
  const query = new URLSearchParams(Object.entries(about).map(([key, value]) => [key, `${value}`] as [string, string]))
  const response = await fetch(`http://127.0.0.1:${agent.httpPort}/api/explain?${query}`)
  return { status: response.status, found: (await response.json()) as AgentExplanation }
}

async function windowAt(offsetMs: number): Promise<ExplainedWindow> {
  const { found } = await ask({ site: 'hall', device: 'd1', metric: 'temperature', start: baseMs + offsetMs })
  return found.window!
}

it('a closed window tells its numbers by boot, what is missing, what came twice, and its message', async () => {
  for (const seq of [12, 13, 14, 17]) await send('a', seq, seq * 100)
  await send('a', 13, 1_300)
  for (const seq of [0, 1]) await send('b', seq, 5_000 + seq)
  await send('b', 2, 30_000)
  const { set, state, message, completeness, start, lengthMs: length } = await windowAt(4_000)
  expect([state, start, length]).toEqual(['closed', baseMs, lengthMs])
  expect(set).toMatchObject({
    rev: 0,
    count: 6,
    duplicate: 1,
    amended: 0,
    firstTs: baseMs + 1_200,
    lastTs: baseMs + 5_001,
  })
  expect(set!.boots).toEqual([
    {
      boot: 'a',
      count: 4,
      unnumbered: 0,
      ranges: [
        [12, 14],
        [17, 17],
      ],
      moreRanges: 0,
    },
    { boot: 'b', count: 2, unnumbered: 0, ranges: [[0, 1]], moreRanges: 0 },
  ])
  expect(completeness!.boots.map(({ boot, missing }) => [boot, missing])).toEqual([
    ['a', 2],
    ['b', 0],
  ])
  expect(message!.seq).toBeGreaterThanOrEqual(0)
  await until(async () => (await windowAt(4_000)).message?.waiting === false)
  expect((await windowAt(4_000)).message).toEqual({ seq: message!.seq, waiting: false, sent: true, madeMs: null })
})

it('a late reading counts as an amendment of the next revision', async () => {
  await send('a', 0, 0)
  await send('a', 1, 30_000)
  expect((await windowAt(0)).set).toMatchObject({ rev: 0, count: 1, amended: 0 })
  await send('a', 2, 500)
  expect(await windowAt(0)).toMatchObject({ state: 'reopened', set: { rev: 0 }, open: { count: 1 } })
  await send('a', 3, 60_000)
  await until(async () => (await windowAt(0)).set?.rev === 1)
  expect(await windowAt(0)).toMatchObject({
    set: {
      count: 2,
      amended: 1,
      boots: [
        {
          ranges: [
            [0, 0],
            [2, 2],
          ],
        },
      ],
    },
  })
})

it('an open window tells what waits in it, and nothing that was closed', async () => {
  await send('a', 0, 3_000)
  await send('a', 1, 4_000)
  expect(await windowAt(9_999)).toMatchObject({
    ...{ state: 'open', start: baseMs, set: null, message: null, amendable: true },
    open: { count: 2, firstTs: baseMs + 3_000, boots: [{ boot: 'a', ranges: [[0, 1]] }] },
  })
})

it('a window below the floor is said to take nothing any more', async () => {
  await send('a', 0, 0)
  await send('a', 1, 7_000_000)
  expect(await windowAt(0)).toMatchObject({ amendable: false, amendableUntilMs: expect.any(Number) })
  expect(await windowAt(6_990_000)).toMatchObject({ amendable: true, state: 'none', set: null })
})

it('what was set aside around a window is named with its place: by its time, else by its arrival', async () => {
  await send('a', 0, 0)
  await device.raw(JSON.stringify({ ts: baseMs + 2_000, readings: { temperature: 'warm' } }))
  await device.raw('{"readings":')
  const [letter, ...more] = (await windowAt(0)).deadLetters
  expect(more).toEqual([])
  expect(letter).toMatchObject({ nth: 1, readings: 1, by: 'time' })
  expect((await windowAt(20_000)).deadLetters).toEqual([])
  expect((await windowAt(Date.now() - baseMs)).deadLetters).toMatchObject([{ reason: 'bad-json', by: 'arrival' }])
})

it('a metric never heard of is null and a device never heard of is 404', async () => {
  await send('a', 0, 0)
  const { found } = await ask({ site: 'hall', device: 'd1', metric: 'humidity', start: baseMs })
  expect([found.series, found.window]).toEqual([null, undefined])
  expect((await ask({ site: 'hall', device: 'd2', metric: 'temperature', start: baseMs })).status).toBe(404)
})

it('a message that a full spool gave up is told as neither waiting nor sent', async () => {
  agent = await bench.agent({ dataDir: await bench.folder(), cloudPort: await freePort(), windows: { amendFor: '1h' } })
  device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
  await send('a', 0, 0)
  await send('a', 1, 30_000)
  const { seq } = (await windowAt(0)).message!
  const { commits } = agent.pipeline
  await commits.appendWith({ kind: 'dropped', losses: [] }, [{ site: 'hall', seq, readings: 1 }])
  expect((await windowAt(0)).message).toEqual({ seq, waiting: false, sent: false, madeMs: null })
})
