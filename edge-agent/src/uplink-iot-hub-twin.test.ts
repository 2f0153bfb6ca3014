import type { Json, JsonObject } from '@millrace/iot-hub-local'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Device } from './testing/device.ts'
import { Bench } from './testing/fixture.ts'
import { TestHub } from './testing/hub.ts'

const hour = 3_600_000
const within = { withinMs: 40_000 }
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

async function stack() {
  const hub = await TestHub.open(bench)
  const settings = { dataDir: await bench.folder(), cloudPort: 1, uplink: await hub.uplink() }
  const agent = await bench.agent(settings)
  const device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', 'd1'))
  const { twins, links, commands } = hub.hub.core
  const reported = () => (twins.get('edge-1')?.reported.values.millrace ?? {}) as Record<string, JsonObject>
  const desire = (millrace: Json) => twins.patch('edge-1', { desired: { millrace } })
  const call = async (name: string, payload?: Json) => {
    const answer = await links.callMethod('edge-1', {
      ...{ name, payload, responseTimeoutMs: 20_000, connectTimeoutMs: 20_000 },
    })
    return answer as { status: number; payload: JsonObject }
  }
  await until(() => reported().settings !== undefined, within)
  return { agent, hub, device, settings, reported, desire, call, commands }
}

describe('the twin of an agent', () => {
  it('reports version, settings, clock, spool and accounts', async () => {
    const { agent, reported } = await stack()
    const { version, settingsHash, epoch } = await agent.reporter.status()
    expect(reported()).toMatchObject({
      ...{ version, settingsHash, epoch, clock: { source: 'system' }, accounts: { unaccounted: 0 } },
      spool: { name: agent.pipeline.spool.name, full: false },
      settings: { state: 'none', inForce: { windowLengthMs: 10_000, live: [], maxBlocksPerDay: 320_000 } },
      quota: { maxBlocksPerDay: 320_000, stage: 'free', blockBytes: 4_096 },
    })
  })

  it('changes the windows from the next full hour on, also after a restart, and back when it asks for nothing', async () => {
    const { agent, device, settings, reported, desire } = await stack()
    const startMs = Math.floor(Date.now() / hour) * hour - 5 * hour
    let seq = 0
    const send = (ts: number) => device.send({ ts, seq: seq++, boot: 'a', readings: { temperature: 1 } })
    await send(startMs + 1_000)
    await desire({ windows: { length: '5m', lateness: 0 } })
    await until(() => reported().settings?.state === 'applied', within)
    await until(() => (reported().settings?.inForce as JsonObject | undefined)?.windowLengthMs === 300_000, within)
    await send(startMs + 30_000)
    await send(startMs + hour + 1_000)
    await agent.pipeline.commits.flush()
    const lengths = () => [...agent.pipeline.rollup.keeper.openWindows()].map(({ lengthMs }) => lengthMs)
    expect(lengths()).toEqual([300_000])
    await device.stop()
    await agent.stop()
    const again = await bench.agent(settings)
    expect(again.pipeline.rollup.keeper.settings).toMatchObject({ lengthMs: 300_000, latenessMs: 0 })
    await desire(null)
    await until(() => again.pipeline.rollup.keeper.settings.lengthMs === 10_000, within)
    await until(() => reported().settings?.state === 'none', within)
  })

  it('refuses what it may not be, says why, and keeps what was in force', async () => {
    const { agent, reported, desire } = await stack()
    await desire({ live: ['hall/*/temperature'] })
    await until(() => reported().settings?.state === 'applied', within)
    for (const [asked, problem] of [
      [{ windows: { length: '7m' } }, /^windows\.length: found .*7m.*; allowed: a length/],
      [{ live: 'all' }, /^live/],
      [{ live: ['nothing'] }, /^live/],
      [{ quota: { maxBlocksPerDay: -1 } }, /^quota\.maxBlocksPerDay/],
      [{ windwos: {} }, /windwos/],
      ['everything', /found/],
    ] as const) {
      const { desired } = await desire(null)
      const { version } = await desire(asked as Json).then((twin) => twin.desired)
      expect(version).toBeGreaterThan(desired.version)
      await until(() => reported().settings?.version === version, within)
      const { state, problems } = reported().settings!
      expect(state).toBe('refused')
      expect((problems as string[]).join('\n')).toMatch(problem)
    }
    expect(agent.pipeline.rollup.keeper.settings.lengthMs).toBe(10_000)
    await desire({ rules: { version: 'abc' } })
    await until(() => reported().rules?.wanted === 'abc', within)
    expect(reported().settings).toMatchObject({ state: 'applied' })
  })
})

describe('direct methods and commands', () => {
  it('ping, flush, explain and setLive answer, and bad parameters are named', async () => {
    const { agent, device, call } = await stack()
    await device.send({ ts: Date.now(), seq: 0, boot: 'a', readings: { temperature: 1 } })
    expect(await call('ping')).toMatchObject({ status: 200, payload: { agent: 'edge-1', unaccounted: 0 } })
    expect(await call('flush', { within: '10s' })).toEqual({ status: 200, payload: { outboxMessages: 0 } })
    expect(await call('explain', { site: 'hall', device: 'd1', metric: 'temperature' })).toMatchObject({
      status: 200,
      payload: { accepted: 1, unaccounted: 0, series: { unit: '°C', openWindows: [{ readings: 1 }] } },
    })
    expect(await call('explain', { site: 'hall', device: 'never' })).toMatchObject({ status: 404 })
    expect(await call('explain', { site: 'hall' })).toMatchObject({
      status: 400,
      payload: { problems: [{ path: expect.stringContaining('device') }] },
    })
    const live = () => (agent.pipeline.uplink.detail?.() as { live: string[] } | undefined)?.live
    expect(live()).toEqual([])
    expect(await call('setLive', { series: ['hall/*/*'], for: '1m' })).toMatchObject({ status: 200 })
    expect(live()).toEqual(['hall/*/*'])
  })

  it("a cloud-to-device message becomes a command on the agent's own broker", async () => {
    const { agent, commands } = await stack()
    const link = createMqttLink({ url: `mqtt://127.0.0.1:${agent.mqttPort}`, clientId: 'actuator' })
    bench.onClose(() => link.stop())
    const heard: string[] = []
    link.subscribe(['commands/hall/valve'], ({ topic, body }) => heard.push(`${topic} ${Buffer.from(body)}`))
    const subscribed = new Promise<void>((resolve) => link.onConnect(resolve))
    await link.start()
    await subscribed
    const send = (text: string, properties: Record<string, string>) =>
      commands.send('edge-1', { body: Buffer.from(text), properties, message: {}, feedback: 'none' })
    await send('to nobody', { device: 'valve' })
    await send('open', { site: 'hall', device: 'valve' })
    await until(() => heard.length > 0, within)
    expect(heard).toEqual(['commands/hall/valve open'])
    expect(agent.pipeline.uplink.detail?.()).toMatchObject({ commands: { published: 1, failed: 1 } })
    expect((await agent.reporter.status()).accounts.accepted).toBe(0)
  })
})
