import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentStatus, DeviceStatus } from './status.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { Device, expectedWindows } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { agentConfig, Bench, freePort } from './testing/fixture.ts'
import { seededRandom } from './testing/seeded-random.ts'

const lengthMs = 10_000
const kills = 6
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

async function stack() {
  const { port: cloudPort } = await bench.broker()
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const dataDir = await bench.folder()
  const config = agentConfig({ dataDir, cloudPort, mqttPort, spool: { commit: 0 } })
  const agent = await AgentProcess.configure(join(await bench.folder(), 'agent.yaml'), config, httpPort)
  await bench.add(agent)
  const device = (name: string) => bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', name))
  return { agent, device, url: `mqtt://127.0.0.1:${cloudPort}` }
}

/** Sends as a device does, some late and some again, with a few on the way at once, until told to stop. */
async function publish(
  device: Device,
  { baseMs, seed, stopped }: { baseMs: number; seed: number; stopped(): boolean },
) {
  const random = seededRandom(seed)
  const sends: Promise<void>[] = []
  let seq = 0
  for (; !stopped(); seq++) {
    const late = random() < 0.05 ? 30_000 : 0
    const ts = baseMs + Math.max(0, seq * 250 - late)
    const object = { ts, seq, boot: 'a', readings: { temperature: Math.round(random() * 1e4) / 100, energy: seq } }
    sends.push(device.send(object))
    if (random() < 0.05) sends.push(device.send(object))
    if (sends.length >= 16) await Promise.all(sends.splice(0))
    await delay(1)
  }
  await Promise.all(sends)
  await device.send({ ts: baseMs + 7_000_000, seq, boot: 'a', readings: { temperature: 0, energy: seq } })
}

describe('an agent that is killed at any moment', () => {
  it('holds every acknowledged reading exactly once, never changes what it sent, and its accounts balance', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = seededRandom(seed)
    const { agent, device, url } = await stack()
    // Every third message is lost on its first way, so that repeats and receipts in ranges happen too.
    const lost = new Set<number>()
    const takes = (seq: number) => seq % 3 !== 0 || lost.size === lost.add(seq).size
    const ingest = await bench.add(new FakeIngest({ url, takes }))
    const devices = await Promise.all(['d1', 'd2', 'd3', 'd4'].map(device))
    const baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
    let over = false
    const publishing = devices.map((one, index) => {
      return publish(one, { baseMs, seed: seed + index + 1, stopped: () => over })
    })
    const checkpoints = checkpointAllTheTime(agent, () => over)
    for (let kill = 0; kill < kills; kill++) {
      await delay(50 + random() * 700)
      await agent.kill()
      if (kill % 2 === 1) {
        // Somewhere in the recovery, too.
        agent.spawn()
        await delay(300 + random() * 700)
        await agent.kill()
      }
      await agent.start()
    }
    const amended = () => [...ingest.rows.values()].filter(({ rev }) => rev > 0).length
    const repeats = () =>
      ingest.deliveries - [...ingest.received.values()].reduce((sum, ranges) => sum + ranges.count, 0)
    const gentle = `seed ${seed}: readings that came late and messages that came twice`
    await until(() => amended() > 0 && repeats() > 0, { withinMs: 40_000, everyMs: 50, label: gentle })
    over = true
    await Promise.all([...publishing, checkpoints])
    await until(async () => drained(agent), { withinMs: 30_000, everyMs: 200, label: `seed ${seed}: an empty outbox` })
    const expected = expectedWindows(devices, lengthMs)
    const problems: string[] = []
    for (const [key, readings] of expected) {
      if (key.endsWith(`/${Math.floor((baseMs + 7_000_000) / lengthMs) * lengthMs}`)) continue
      const values = [...readings.values()]
      const row = ingest.rows.get(key)
      const sum = values.reduce((total, value) => total + value, 0)
      const same = row?.count === values.length && row.min === Math.min(...values) && Math.abs(row.sum - sum) < 1e-6
      if (!same) problems.push(`${key}: expected ${values.length} readings, got ${row?.count}`)
    }
    expect({ seed, problems, breaches: ingest.balance() }).toEqual({ seed, problems: [], breaches: [] })
    expect(ingest.rows.size).toBe(expected.size - 8)
    expect(agent.errors).toBe('')
  })

  it('stops within its deadline on SIGTERM, with open windows kept', async () => {
    const { agent, device, url } = await stack()
    const ingest = await bench.add(new FakeIngest({ url }))
    const one = await device('d1')
    await one.send({ ts: Date.now(), seq: 0, boot: 'a', readings: { temperature: 1 } })
    const startedMs = performance.now()
    expect(await agent.kill('SIGTERM')).toBe(0)
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    expect(ingest.rows.size).toBe(0)
    await agent.start()
    expect((await statusOf(agent)).open).toBe(1)
  })
})

/** Each request makes a checkpoint, so that kills meet checkpoints under load. */
async function checkpointAllTheTime(agent: AgentProcess, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    await agent.json('/api/status?devices=1').catch(() => undefined)
    await delay(20)
  }
}

async function statusOf(agent: AgentProcess) {
  return (await agent.json('/api/status?devices=1')) as Omit<AgentStatus, 'devices'> & { devices: DeviceStatus[] }
}

async function drained(agent: AgentProcess): Promise<boolean> {
  const { spool, unaccounted, devices } = await statusOf(agent)
  expect({ unaccounted, each: devices.filter((one) => one.unaccounted !== 0) }).toEqual({ unaccounted: 0, each: [] })
  return spool.outboxMessages === 0
}
