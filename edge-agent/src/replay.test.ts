import { futureMs } from '@millrace/contracts'
import { manualClock, pause } from '@millrace/pipeline'
import { deadLetters } from '@millrace/spool'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { replayLetter } from './replay.ts'
import { Device } from './testing/device.ts'
import { agentConfigOf, Bench, freePort } from './testing/fixture.ts'

let bench: Bench
let settings: { dataDir: string; cloudPort: number }
let agent: Agent
const clock = manualClock(Date.UTC(2026, 10, 20, 12))

async function start(): Promise<Device> {
  agent = await bench.agent(settings, clock)
  return await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
}

beforeEach(async () => {
  bench = new Bench()
  settings = { dataDir: await bench.folder(), cloudPort: await freePort() }
})
afterEach(() => bench.close())

async function post(body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${agent.httpPort}/api/dead-letters/replay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, ...((await response.json()) as { letters?: { nth: number; replayed: boolean }[] }) }
}

const letterOf = async (reason: string) => {
  return (await (await fetch(`http://127.0.0.1:${agent.httpPort}/api/dead-letters/${reason}`)).json()) as {
    body: string
    cut: boolean
    error?: string
  }
}
const counted = async () => await deadLetters.inspect(agent.pipeline.spool.file)
async function accounts() {
  const { accounts: sums, unaccounted } = await agent.reporter.status()
  return { ...sums, unaccounted }
}

/** Sets one reading aside that comes from the future, and lets its time come. */
async function fromTheFuture(device: Device): Promise<void> {
  const ts = clock.now() + futureMs + 60_000
  await device.send({ ts, seq: 1, boot: 'a', readings: { temperature: 21.5 } })
  await device.send({ ts: clock.now(), seq: 0, boot: 'a', readings: { temperature: 20 } })
  await agent.pipeline.checkpoints.run()
}

it('a letter is replayed once its cause is gone: accepted anew, the count stays, the accounts balance', async () => {
  await fromTheFuture(await start())
  expect(JSON.parse(Buffer.from((await letterOf('future')).body, 'base64').toString())).toMatchObject([{ seq: 1 }])
  expect(await post({ reason: 'future' })).toMatchObject({ letters: [{ replayed: false }] })
  expect(await accounts()).toMatchObject({ accepted: 2, open: 1, unaccounted: 0 })
  clock.advance(120_000)
  expect(await post({ reason: 'future' })).toMatchObject({ letters: [{ nth: 1, replayed: true }] })
  expect(await accounts()).toMatchObject({ accepted: 3, unaccounted: 0 })
  expect(await counted()).toMatchObject([{ reason: 'future', letters: 1, readings: 1, kept: 0 }])
  expect((await post({ reason: 'future' })).status).toBe(404)
  expect((await letterOf('future')).error).toBe('not-found')
})

it('two who replay the same letter at once count its readings once', async () => {
  await fromTheFuture(await start())
  clock.advance(120_000)
  const statuses = await Promise.all([post({ reason: 'future' }), post({ reason: 'future', all: true })])
  expect(statuses.map(({ status }) => status).sort()).toEqual([200, 404])
  expect(await accounts()).toMatchObject({ accepted: 3, unaccounted: 0 })
})

it('what the answer did not survive is not replayed twice: letter and readings change place in one commit', async () => {
  await fromTheFuture(await start())
  clock.advance(120_000)
  const { file } = agent.pipeline.spool
  const seen: [number, number][] = []
  const stop = { now: false }
  const places = async (): Promise<[number, number]> => {
    const sql = 'SELECT (SELECT count(*) FROM dead_letters), (SELECT count(*) FROM journal)'
    return (await file.read(sql))[0]!.map(Number) as [number, number]
  }
  const [, before] = await places()
  const watching = (async () => {
    while (!stop.now) {
      seen.push(await places())
      await pause(1)
    }
  })()
  await post({ reason: 'future' })
  stop.now = true
  await watching
  seen.push(await places())
  expect(seen.at(-1)).toEqual([0, before + 1])
  // Never neither, never both.
  expect(seen.filter(([letters, journal]) => letters + journal !== before + 1)).toEqual([])
})

it('a body that was cut, or whose cause is there still, stays where it is', async () => {
  const device = await start()
  await device.raw(`{"readings":{"temperature":1},"x":"${'y'.repeat(70_000)}`)
  await device.raw('{"readings":{"temperature":')
  const [{ reason }] = (await counted()) as { reason: string }[] as [{ reason: string }]
  const { letters } = await post({ reason, all: true })
  expect(letters).toMatchObject([
    { replayed: false, message: expect.stringContaining('64 KiB') },
    { replayed: false, message: expect.stringContaining('not mended') },
  ])
  expect(await counted()).toMatchObject([{ letters: 2, kept: 2 }])
  expect(await accounts()).toMatchObject({ accepted: 2, unaccounted: 0 })
})

it('letters that speak for others are never replayed', async () => {
  await start()
  const letter = {
    atMs: 0,
    reason: 'identity',
    source: 'telemetry/hall/d1',
    device: 'd1',
    site: 'hall',
    count: 1,
    nth: 1,
  }
  const { pipeline } = agent
  const config = agentConfigOf(settings)
  const body = Buffer.from('{"readings":{"temperature":1}}')
  expect(await replayLetter({ ...letter, body }, { pipeline, config, clock })).toMatchObject({ replayed: false })
})

it('a page of another site cannot have anything replayed', async () => {
  await fromTheFuture(await start())
  clock.advance(120_000)
  expect((await post({ reason: 'future' }, { origin: 'http://evil.example' })).status).toBe(403)
  expect((await post({ reason: 'future' }, { 'content-type': 'text/plain' })).status).toBe(403)
  expect(await counted()).toMatchObject([{ kept: 1 }])
})
