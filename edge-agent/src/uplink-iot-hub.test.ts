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
  until(async () => (await agent.reporter.status()).spool.outboxMessages === 0, { withinMs: 20_000 })

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
  }, 60_000)
})
