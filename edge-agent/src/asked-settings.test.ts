import { cloudTopic, type SettingsReport } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device } from './testing/device.ts'
import { Bench } from './testing/fixture.ts'

const hour = 3_600_000
const within = { withinMs: 20_000 }
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

async function reportOf({ reporter }: Agent): Promise<SettingsReport | undefined> {
  return (await reporter.status()).uplink.detail?.settings as SettingsReport | undefined
}

async function stack() {
  const { port } = await bench.broker()
  const settings = { dataDir: await bench.folder(), cloudPort: port }
  const cloud = createMqttLink({ url: `mqtt://127.0.0.1:${port}`, clientId: 'cloud' })
  bench.onClose(() => cloud.stop())
  const heard: { kind: string; body: Record<string, unknown> }[] = []
  cloud.subscribe(
    ['status', 'live', 'provisional'].map((kind) => `millrace/v1/hall/edge-1/${kind}`),
    ({ topic, body }) => {
      heard.push({ kind: topic.split('/').at(-1)!, body: JSON.parse(Buffer.from(body).toString()) })
    },
  )
  await cloud.start()
  const ask = async (text: string) => {
    const topic = cloudTopic({ site: 'hall', agent: 'edge-1', kind: 'config' })
    await cloud.publish({ topic, body: Buffer.from(text), retain: true })
  }
  return { settings, ask, heard, start: () => bench.agent(settings) }
}

describe('settings that the cloud asks for over MQTT', () => {
  it('are applied from the next full hour on, told in the status, and hold over a restart without the cloud', async () => {
    const { settings, ask, heard, start } = await stack()
    await ask('{"v":1,"version":7,"windows":{"length":"5m","lateness":"0s"}}')
    const agent = await start()
    const report = () => reportOf(agent)
    await until(async () => (await report())?.state === 'applied', within)
    expect(await report()).toEqual({ version: 7, state: 'applied', problems: [] })
    const told = () =>
      heard.some(({ kind, body }) => kind === 'status' && (body.settings as { version?: number })?.version === 7)
    await until(told, within)

    const device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
    const startMs = Math.floor(Date.now() / hour) * hour - 5 * hour
    for (const [seq, at] of [1_000, 30_000, hour + 1_000].entries())
      await device.send({ ts: startMs + at, seq, boot: 'a', readings: { temperature: 1 } })
    await agent.pipeline.commits.flush()
    const lengths = [...agent.pipeline.rollup.keeper.openWindows()].map(({ lengthMs }) => lengthMs)
    expect(lengths).toEqual([300_000])
    await device.stop()
    await agent.stop()

    const alone = await bench.agent({ ...settings, cloudPort: 1 })
    expect(alone.pipeline.rollup.keeper.settings).toMatchObject({ lengthMs: 300_000, latenessMs: 0 })
  }, 60_000)

  it('are refused with every problem where they may not be, and leave in force what was; nothing asked for is the file again', async () => {
    const { ask, start } = await stack()
    const agent = await start()
    const report = () => reportOf(agent)
    const state = async (version: number | null, wanted: string) => {
      await until(async () => (await report())?.version === version && (await report())?.state === wanted, within)
    }
    await ask('{"v":1,"version":1,"windows":{"length":"5m"}}')
    await state(1, 'applied')
    await ask('{"v":1,"version":2,"windows":{"length":"7m"},"live":"all","quota":{}}')
    await state(2, 'refused')
    const { problems } = (await report())!
    expect(problems).toHaveLength(3)
    expect(problems.join('\n')).toMatch(/windows\.length: found .*7m.*; allowed: a length/)
    expect(agent.pipeline.rollup.keeper.settings.lengthMs).toBe(300_000)
    await ask('[')
    await state(null, 'refused')
    await ask(`{"v":1,"version":3,"windows":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)
    await ask('{"v":1,"version":4,"live":"all"}')
    await state(4, 'refused')
    await ask('')
    await state(null, 'none')
    expect(agent.pipeline.rollup.keeper.settings.lengthMs).toBe(10_000)
  }, 60_000)

  it('name the series whose live readings are sent', async () => {
    const { ask, heard, start } = await stack()
    await ask('{"v":1,"version":1,"live":["hall/d1/temp*"]}')
    const agent = await start()
    await until(async () => (await reportOf(agent))?.state === 'applied', within)
    const device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
    heard.length = 0
    await device.send({ ts: Date.now(), seq: 0, boot: 'a', readings: { temperature: 1, energy: 2 } })
    const live = () => heard.filter(({ kind }) => kind === 'live' || kind === 'provisional')
    await until(() => new Set(live().map(({ kind }) => kind)).size === 2, within)
    for (const { body } of live()) expect((body.columns as { metric: string[] }).metric).toEqual(['temperature'])
  }, 60_000)
})
