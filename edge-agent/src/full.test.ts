import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device, expectedWindows } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { Bench, freePort } from './testing/fixture.ts'
import { seededRandom } from './testing/seeded-random.ts'

const lengthMs = 10_000
const maxBytes = 2 * 1024 * 1024
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const baseMs = Math.floor((Date.now() - 86_000_000) / lengthMs) * lengthMs
const metrics = Array.from({ length: 10 }, (_, index) => `m${index}`)

/** Publishes values that do not compress until the agent takes no more; resolves when all is acknowledged. */
function fill(device: Device, agent: Agent, isOver: () => boolean): Promise<void> {
  const random = seededRandom(1)
  const send = async () => {
    for (let seq = 0; !isOver(); seq++) {
      const objects = Array.from({ length: 100 }, (_, index) => ({
        ts: baseMs + seq * 10_000 + index * 100,
        seq: seq * 100 + index,
        boot: 'a',
        readings: Object.fromEntries(metrics.map((metric) => [metric, random()])),
      }))
      await device.send(...objects)
      if (seq % 4 === 3) await agent.pipeline.checkpoints.run()
    }
    await device.send({ ts: baseMs + 80_000_000, seq: 1e9, boot: 'a', readings: { m0: 0 } })
    await agent.pipeline.checkpoints.run()
  }
  return send()
}

async function stack(whenFull: string) {
  const cloudPort = await freePort()
  const spool = { whenFull }
  const agent = await bench.agent({ dataDir: await bench.folder(), cloudPort, spool, spoolBytes: maxBytes })
  const one = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
  return { cloudPort, agent, one }
}

describe('a full spool', () => {
  it('gives up amendment sets, then refuses, loses nothing acknowledged, and goes on by itself', async () => {
    const { cloudPort, agent, one } = await stack('refuse')
    let over = false
    const filling = fill(one, agent, () => over)
    const status = () => agent.reporter.status()
    await until(async () => (await status()).spool.full, { withinMs: 20_000, label: 'a full spool' })
    await until(async () => (await status()).amendSpanMs === 2 * lengthMs && (await status()).spool.full, {
      withinMs: 60_000,
      label: 'no sets left to give up',
    })
    const { spool } = await status()
    expect(spool.bytes).toBeLessThanOrEqual(maxBytes)
    over = true
    await bench.broker(cloudPort)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    await filling
    await until(async () => (await status()).spool.outboxMessages === 0, { withinMs: 20_000, label: 'an empty outbox' })
    expect((await status()).spool.full).toBe(false)
    const problems = [...expectedWindows([one], lengthMs)]
      .filter(([key]) => !key.endsWith(`/${Math.floor((baseMs + 80_000_000) / lengthMs) * lengthMs}`))
      .filter(([key, readings]) => ingest.rows.get(key)?.count !== readings.size)
    expect(problems).toEqual([])
    expect(ingest.balance()).toEqual([])
    expect((await status()).unaccounted).toBe(0)
  })

  it('drops its oldest messages where it is told to, and its accounts say so, here and upstream', async () => {
    const { cloudPort, agent, one } = await stack('drop-oldest')
    const two = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd2'))
    for (let seq = 1; seq <= 5; seq++) await two.send({ ts: baseMs + seq, seq, boot: 'a', readings: { m0: seq } })
    await two.send({ ts: baseMs + 13_000, seq: 8, boot: 'a', readings: { m0: 8 } })
    await agent.pipeline.checkpoints.run()
    let over = false
    const filling = fill(one, agent, () => over)
    const dropped = async () => (await agent.reporter.status()).spool.dropped
    await until(async () => (await dropped()).length > 0, { withinMs: 60_000, label: 'something dropped' })
    over = true
    await filling
    const [first] = await dropped()
    expect(first).toMatchObject({ site: 'hall' })
    expect(first?.readings).toBeGreaterThan(0)
    await bench.broker(cloudPort)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    const status = () => agent.reporter.status()
    await until(async () => (await status()).spool.outboxMessages === 0, { withinMs: 20_000, label: 'an empty outbox' })
    const { accounts, unaccounted, spool } = await status()
    expect([unaccounted, accounts.dropped]).toEqual([0, spool.dropped[0]?.readings])
    await agent.pipeline.checkpoints.run(undefined, true)
    const account = () => ingest.accounts.get('hall/d1')
    await until(() => account()?.dropped.full === accounts.dropped - 5, {
      withinMs: 10_000,
      label: 'the account upstream',
    })
    const held = () => ingest.rowsOf('d1').reduce((sum, { count }) => sum + count, 0)
    expect(held()).toBe(account()?.closed)
    expect(ingest.breaches).toEqual([])
    expect((await status()).spool.gaveUp.hall).toEqual([[expect.any(Number), expect.any(Number)]])

    // A late reading brings its window whole, also what was given up with the window's first message.
    const { gaveUp } = (await status()).spool
    expect(ingest.rowsOf('d2')).toEqual([])
    await two.send({ ts: baseMs + 6_000, seq: 6, boot: 'a', readings: { m0: 6 } })
    await two.send({ ts: baseMs + 24_000, seq: 7, boot: 'a', readings: { m0: 7 } })
    await agent.pipeline.checkpoints.run(undefined, true)
    await until(() => ingest.rowsOf('d2').some(({ start, count }) => start === baseMs && count === 6), {
      withinMs: 20_000,
      label: 'the whole window',
    })
    const { dropped: stillLost } = (await status()).accounts
    expect(stillLost).toBe(accounts.dropped - 5)
    expect(ingest.accounts.get('hall/d2')).toMatchObject({ dropped: { full: 0 }, closed: 7 })
    expect((await status()).unaccounted).toBe(0)
    expect((await status()).spool.gaveUp).toEqual(gaveUp)
  })
})
