import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device, type DeviceObject, expectedWindows } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { Bench, freePort } from './testing/fixture.ts'

const lengthMs = 10_000
let bench: Bench
/** Start of a window two hours ago: event times in the tests count from here. */
let baseMs: number

beforeEach(() => {
  bench = new Bench()
  baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
})
afterEach(() => bench.close())

async function stack(options: { spool?: Record<string, unknown>; windows?: Record<string, unknown> } = {}) {
  const { port: cloudPort } = await bench.broker()
  const dataDir = await bench.folder()
  const settings = { dataDir, cloudPort, ...options }
  const agent = await bench.agent(settings)
  const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
  const device = (name: string) => bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', name))
  return { agent, ingest, device, settings, cloudPort }
}

function at(seq: number, offsetMs: number): DeviceObject {
  return { ts: baseMs + offsetMs, seq, boot: 'a', readings: { temperature: seq / 10, energy: seq } }
}

/** Closes every window of the device up to an hour after the base. */
function closer(seq: number): DeviceObject {
  return at(seq, 3_600_000)
}

const settled = (agent: Agent) => agent.pipeline.checkpoints.run()

const drained = (agent: Agent) =>
  until(async () => (await agent.reporter.status()).spool.outboxMessages === 0, { withinMs: 5_000 })

describe('custody in one process', () => {
  it('every acknowledged reading reaches the cloud exactly once, and the accounts balance', async () => {
    const { agent, ingest, device } = await stack()
    const devices = await Promise.all(['d1', 'd2', 'd3'].map(device))
    await Promise.all(
      devices.map(async (one) => {
        const sends = Array.from({ length: 120 }, (_, seq) => one.send(at(seq, seq * 1_000)))
        await Promise.all([...sends, one.send(at(7, 7_000), at(8, 8_000))])
        await one.send(closer(1_000))
      }),
    )
    await settled(agent)
    await drained(agent)
    const expected = expectedWindows(devices, lengthMs)
    for (const [key, readings] of expected) {
      if (key.endsWith(`/${baseMs + 3_600_000}`)) continue
      const values = [...readings.values()]
      expect(ingest.rows.get(key)).toMatchObject({ count: values.length, max: Math.max(...values) })
    }
    expect(ingest.rows.size).toBe(3 * 2 * 12)
    expect(ingest.balance()).toEqual([])
    expect(ingest.accounts.get('hall/d1')).toMatchObject({
      accepted: 246,
      closed: 240,
      open: 2,
      duplicate: 4,
      sent: 240,
    })
  })

  it('an agent that was there before any cloud broker loses nothing', async () => {
    const cloudPort = await freePort()
    const agent = await bench.agent({ dataDir: await bench.folder(), cloudPort })
    const one = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
    for (let window = 0; window < 5; window++) {
      await one.send(at(window, window * lengthMs + 2_000))
      await settled(agent)
    }
    await one.send(closer(1_000))
    await settled(agent)
    expect((await agent.reporter.status()).spool.outboxMessages).toBeGreaterThan(3)
    await bench.broker(cloudPort)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    await until(() => ingest.rows.size === 10, { withinMs: 15_000 })
    await drained(agent)
    expect(ingest.balance()).toEqual([])
  })

  it('a retained receipt of another spool frees nothing; receipts in ranges free what they name', async () => {
    const { port: cloudPort } = await bench.broker()
    const url = `mqtt://127.0.0.1:${cloudPort}`
    const ingest = await bench.add(new FakeIngest({ url, receipts: false }))
    await until(
      () => ingest.publishReceipt('hall', 'edge-1', { spool: 'long-ago', upTo: 99, ranges: [] }).then(() => true),
      {
        withinMs: 5_000,
      },
    )
    const agent = await bench.agent({ dataDir: await bench.folder(), cloudPort })
    const one = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
    for (let window = 0; window < 6; window++) {
      await one.send(at(window, window * lengthMs + 2_000))
      await settled(agent)
    }
    await until(() => agent.pipeline.sender.outstanding === 5, { withinMs: 5_000 })
    const seqs = async () => (await agent.pipeline.spool.newest(99, [])).map(({ seq }) => seq)
    expect(await seqs()).toEqual([4, 3, 2, 1, 0])
    await ingest.publishReceipt('hall', 'edge-1', {
      spool: agent.pipeline.spool.name,
      upTo: -1,
      ranges: [
        [1, 2],
        [4, 4],
      ],
    })
    await until(() => agent.pipeline.sender.outstanding === 2, { withinMs: 5_000 })
    await until(async () => (await seqs()).length === 2, { withinMs: 5_000 })
    expect(await seqs()).toEqual([3, 0])
  })

  it('a late reading opens its window again; the next revision waits for the receipt of the one before', async () => {
    const { agent, ingest, device, cloudPort } = await stack()
    const one = await device('d1')
    await one.send(at(1, 1_000), at(50, 50_000))
    await settled(agent)
    await drained(agent)
    await ingest.stop()
    const deaf = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}`, receipts: false }))
    for (const [seq, offset] of [
      [2, 2_000],
      [51, 70_000],
      [3, 3_000],
      [52, 90_000],
    ] as const) {
      await one.send(at(seq, offset))
      await settled(agent)
    }
    await until(() => deaf.deliveries > 0, { withinMs: 5_000 })
    const revisions = () => deaf.rowsOf('d1').filter(({ start, metric }) => start === baseMs && metric === 'energy')
    await until(() => revisions().length === 1, { withinMs: 5_000 })
    expect(revisions()[0]).toMatchObject({ rev: 1, count: 2, amended: 1 })
    deaf.breaches.length = 0
    deaf.announce()
    await until(() => revisions()[0]?.rev === 2, { withinMs: 5_000 })
    expect(revisions()[0]).toMatchObject({ count: 3, sum: 6, amended: 2 })
    expect(deaf.breaches).toEqual([])
  })

  it('a stopped agent leaves open windows open and goes on where it was', async () => {
    const { agent, ingest, device, settings } = await stack()
    const before = await device('d1')
    await before.send(at(1, 1_000))
    await agent.stop()
    await before.stop()
    expect(ingest.rows.size).toBe(0)
    const again = await bench.agent(settings)
    const after = await bench.add(new Device(`mqtt://127.0.0.1:${again.mqttPort}`, 'hall', 'd1'))
    await after.send(at(2, 2_000), closer(3))
    await settled(again)
    await drained(again)
    expect(ingest.rowsOf('d1').map(({ rev, count }) => [rev, count])).toEqual([
      [0, 2],
      [0, 2],
    ])
    expect(ingest.balance()).toEqual([])
  })

  it('a spool whose rows cannot be read is put aside, said so, and does not keep the agent from starting', async () => {
    const { agent, device, settings } = await stack()
    const before = await device('d1')
    await before.send(at(1, 1_000))
    await settled(agent)
    await agent.stop()
    await before.stop()
    const database = new DatabaseSync(join(settings.dataDir, 'spool.db'))
    database.exec("UPDATE open_windows SET bytes = x'ff00ff'")
    database.close()
    const again = await bench.agent(settings)
    const { spool } = await again.reporter.status()
    expect(spool.movedAside?.to).toMatch(/spool\.db\.unreadable-/)
    expect(existsSync(spool.movedAside!.to)).toBe(true)
    expect(spool.name).not.toBe(agent.pipeline.spool.name)
    const after = await bench.add(new Device(`mqtt://127.0.0.1:${again.mqttPort}`, 'hall', 'd1'))
    await after.send(at(2, 2_000))
    expect((await again.reporter.status()).accounts.accepted).toBe(2)
  })

  it('a flood of malformed messages is counted and does not stall its neighbours', async () => {
    const { agent, ingest, device } = await stack()
    const bad = await device('bad')
    const good = await device('good')
    const bodies = ['{', 'null', '[1,2', '{"ts":"yesterday","readings":{"a":1}}', '\ud800', '{"readings":7}']
    const flood = Array.from({ length: 3_000 }, (_, index) => bad.raw(bodies[index % bodies.length]!))
    const startedMs = performance.now()
    for (let seq = 0; seq < 20; seq++) await good.send(at(seq, seq * 1_000))
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    await Promise.all(flood)
    await good.send(closer(99))
    await agent.pipeline.checkpoints.run(undefined, true)
    await drained(agent)
    expect(ingest.rowsOf('good').reduce((sum, { count }) => sum + count, 0)).toBe(40)
    expect(ingest.accounts.get('hall/bad')).toMatchObject({ accepted: 3_000, closed: 0, open: 0 })
    const { unaccounted, deadLetters } = await agent.reporter.status()
    expect(unaccounted).toBe(0)
    expect(Object.values(deadLetters).reduce((sum, count) => sum + count, 0)).toBe(3_000)
    expect(ingest.balance()).toEqual([])
  })
})
