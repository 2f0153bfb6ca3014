import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device, type DeviceObject, expectedWindows } from './testing/device.ts'
import { Bench } from './testing/fixture.ts'
import { TestHub } from './testing/hub.ts'

const lengthMs = 10_000
let bench: Bench
let baseMs: number

beforeEach(() => {
  bench = new Bench()
  baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
})
afterEach(() => bench.close())

async function stack(more: Record<string, unknown> = {}, hub?: TestHub) {
  const over = hub ?? (await TestHub.open(bench))
  const settings = { dataDir: await bench.folder(), cloudPort: 1, uplink: await over.uplink('edge-1', more) }
  const agent = await bench.agent(settings)
  const device = (name: string) => bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', name))
  return { agent, hub: over, device, settings }
}

function at(seq: number, offsetMs: number): DeviceObject {
  return { ts: baseMs + offsetMs, seq, boot: 'a', readings: { temperature: seq / 10, energy: seq } }
}

const drained = (agent: Agent) =>
  until(async () => (await agent.reporter.status()).spool.outboxMessages === 0, { withinMs: 40_000 })

async function sendAll(agent: Agent, device: Device, count = 60): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, seq) => device.send(at(seq, seq * 1_000))))
  await device.send(at(count, 3_600_000))
  await agent.pipeline.checkpoints.run()
}

describe('the uplink to an IoT Hub', () => {
  it('brings every acknowledged reading to the hub once, and its acknowledgement ends the duty', async () => {
    const { agent, hub, device } = await stack()
    const one = await device('d1')
    await sendAll(agent, one)
    await drained(agent)
    const ingest = await hub.ingest()
    const expected = expectedWindows([one], lengthMs)
    expect(ingest.rows.size).toBe(expected.size - 2)
    expect(ingest.balance()).toEqual([])
    const [event] = (await hub.events()).filter(({ properties }) => properties.kind === 'summaries')
    const { name } = agent.pipeline.spool
    expect(event).toMatchObject({
      properties: { kind: 'summaries', site: 'hall', 'iothub-creation-time-utc': expect.stringMatching(/^20.*Z$/) },
      message: { content_type: 'application/json', content_encoding: 'utf-8', message_id: `${name}:hall:0` },
      annotations: { 'iothub-connection-device-id': 'edge-1' },
    })
  })
  it('loses and doubles nothing over an outage of the hub in which the agent is started again', async () => {
    const { agent, hub, device, settings } = await stack()
    const one = await device('d1')
    await hub.stop()
    await sendAll(agent, one)
    await one.stop()
    await agent.stop()
    const again = await bench.agent(settings)
    expect((await again.reporter.status()).spool.outboxMessages).toBeGreaterThan(0)
    await hub.start()
    await drained(again)
    const ingest = await hub.ingest()
    expect(ingest.rows.size).toBe(expectedWindows([one], lengthMs).size - 2)
    expect(ingest.balance()).toEqual([])
  })

  it('sends live readings and provisional summaries of the named series alone, and none where none is named', async () => {
    const { agent, hub, device } = await stack({ live: ['hall/d1/temp*'] })
    const devices = await Promise.all(['d1', 'd2'].map(device))
    await until(() => agent.pipeline.uplink.connected, { withinMs: 40_000 })
    const ofKind = async (kind: string) => (await hub.events()).filter(({ properties }) => properties.kind === kind)
    let seq = 0
    await until(
      async () => {
        for (const one of devices)
          await one.send({ ts: Date.now(), seq: seq++, readings: { temperature: 1, energy: 2 } })
        return (await ofKind('live')).length > 0 && (await ofKind('provisional')).length > 0
      },
      { withinMs: 40_000, everyMs: 200 },
    )
    for (const { body } of [...(await ofKind('live')), ...(await ofKind('provisional'))]) {
      const { columns } = JSON.parse(Buffer.from(body).toString()) as { columns: Record<string, string[]> }
      expect([new Set(columns.device), new Set(columns.metric)]).toEqual([new Set(['d1']), new Set(['temperature'])])
    }
  })

  it('holds messages when its own blocks of the day are used up, says when, and goes on when the twin gives more', async () => {
    const { agent, hub, device } = await stack({ maxBlocksPerDay: 3 })
    const one = await device('d1')
    await sendAll(agent, one, 20)
    // All before now, two hours after the base: a reading of the future closes nothing.
    for (const minutes of [70, 80, 90, 100, 110]) {
      await one.send(at(minutes, minutes * 60_000))
      await agent.pipeline.checkpoints.run()
    }
    const budget = async () => ((await agent.reporter.status()).uplink.detail as { budget: object }).budget
    await until(async () => ((await budget()) as { stage: string }).stage === 'held', { withinMs: 40_000 })
    expect(await budget()).toMatchObject({ maxBlocksPerDay: 3, reachedAt: expect.stringMatching(/Z$/) })
    expect((await agent.reporter.status()).spool.outboxMessages).toBeGreaterThan(0)
    const metrics = await (await fetch(`http://127.0.0.1:${agent.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/^millrace_agent_uplink_blocks_max 3$/m)
    expect(metrics).toMatch(/^millrace_agent_uplink_blocks_used [3-9]$/m)
    expect(metrics).toMatch(/^millrace_agent_uplink_blocks_stage 3$/m)
    await hub.hub.core.twins.patch('edge-1', { desired: { millrace: { quota: { maxBlocksPerDay: 1_000 } } } })
    await drained(agent)
    expect((await hub.ingest()).balance()).toEqual([])
  })
})
