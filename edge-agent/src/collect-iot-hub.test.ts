import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { gzipSync } from 'node:zlib'
import type { NewEvent } from '@millrace/iot-hub-local'
import { type Source, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { hubCollectorSettings } from './collect/iot-hub/settings.ts'
import { hubCollector } from './collect/iot-hub.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { type AgentSettings, Bench } from './testing/fixture.ts'
import { TestHub } from './testing/hub.ts'

const noon = Date.UTC(2026, 0, 5, 12)
const soon = { withinMs: 30_000 }

let bench: Bench
let hub: TestHub
beforeEach(async () => {
  bench = new Bench()
  hub = await TestHub.open(bench)
})
afterEach(() => bench.close())

interface Sent {
  properties?: Record<string, string>
  message?: NewEvent['message']
  /** No device by the hub's word. */
  anonymous?: boolean
}

function event(id: string, body: unknown, { properties = {}, message = {}, anonymous = false }: Sent = {}): NewEvent {
  const stamp = { 'iothub-connection-device-id': id, 'iothub-message-source': 'Telemetry' }
  return {
    ...{ partition: { key: id }, properties, message, annotations: anonymous ? {} : stamp },
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  }
}

/** The readings of one window, and one far beyond that closes it. */
const reading = (seq: number, more: object = {}) => ({
  ts: noon + seq * 1000,
  seq,
  boot: 'a',
  readings: { t: seq, ...more },
})
const closing = { ts: noon + 3_600_000, seq: 1000, boot: 'a', readings: { t: 0 } }

async function agentOf(collect: Record<string, unknown>, more: Partial<AgentSettings> = {}) {
  const { port } = await bench.broker()
  const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${port}` }))
  const settings = { dataDir: await bench.folder(), cloudPort: port, collect, ...more }
  return { agent: await bench.agent(settings), ingest, settings }
}

const accepted = async (agent: Agent) => (await agent.reporter.status()).accounts.accepted
const until_ = (agent: Agent, readings: number) =>
  until(async () => (await accepted(agent)) >= readings, { ...soon, label: `${readings} readings` })
/** But for what stands for those that nobody can name. */
const devicesOf = async (agent: Agent) => {
  const named = (await agent.reporter.devices()).filter(({ device }) => device !== '-')
  return named.map(({ site, device }) => `${site}/${device}`).sort()
}

describe('devices of a hub', () => {
  it('become windows, whatever was sent before the agent began, each reading once', async () => {
    await hub.hub.core.events.builtIn.append([
      event('d1', reading(1)),
      event('d2', [reading(1), reading(2)], { properties: { site: 'north' } }),
    ])
    const { agent, ingest } = await agentOf(await hub.collect())
    await until_(agent, 3)
    await hub.hub.core.events.builtIn.append([event('d1', reading(2)), event('d1', closing)])
    await until_(agent, 5)
    await agent.pipeline.checkpoints.run()
    const row = await until(() => ingest.rows.get(`hall/d1/t/${noon}`), soon)
    expect(row).toMatchObject({ count: 2, min: 1, max: 2 })
    expect(await devicesOf(agent)).toEqual(['hall/d1', 'north/d2'])
    expect(ingest.breaches).toEqual([])
  })

  it('count once however often the hub is read, what is set aside included', async () => {
    const events = hub.hub.core.events.builtIn
    await events.append([event('d1', reading(1)), event('d1', 'no json'), event('d1', { readings: { t: 5 } })])
    const { agent, settings } = await agentOf(await hub.collect())
    await until_(agent, 3)
    await agent.stop()
    rmSync(join(settings.dataDir, 'checkpoints'), { recursive: true })
    const again = await bench.agent(settings)
    await events.append([event('d1', reading(2))])
    await until_(again, 4)
    const { accounts, deadLetters } = await again.reporter.status()
    expect(accounts).toMatchObject({ accepted: 4, duplicate: 0, invalid: 1 })
    expect(deadLetters).toEqual({ 'bad-json': 1 })
  })

  it('are whom the hub names: a body, a property or a topic cannot make them another', async () => {
    await hub.hub.core.events.builtIn.append([
      event('hall-1:d1', { ...reading(1), device: 'd2', site: 'x' }, { properties: { site: 'x', device: 'd2' } }),
      event('plain', reading(1)),
      event('hall-1:d%1', reading(1)),
      event('d9', reading(1), { anonymous: true, properties: { device: 'd2' } }),
      event('hall-1:d3', gzipSync(JSON.stringify(reading(1))), { message: { content_encoding: 'gzip' } }),
      event('hall-1:d3', 'no gzip', { message: { content_encoding: 'gzip' } }),
      event('edge-7', { v: 1 }, { properties: { kind: 'summaries', site: 'hall' } }),
    ])
    const { agent } = await agentOf(await hub.collect({ deviceIds: '{site}:{device}' }))
    await until_(agent, 6)
    expect(await devicesOf(agent)).toEqual(['hall-1/d1', 'hall-1/d3'])
    const { deadLetters, accounts } = await agent.reporter.status()
    expect(deadLetters).toEqual({ identity: 2, 'bad-name': 1, 'bad-body': 1 })
    expect(accounts).toMatchObject({ accepted: 6, invalid: 4 })
    expect(agent.pipeline.source.state?.().events).toEqual({ lost: 0, passedOver: 1 })
  })

  it('speak SenML, or a form of their own, on the topic that the settings give them', async () => {
    const pack = [{ bn: 'urn:dev:ow:other:', bt: noon / 1000, n: 'temp', u: 'Cel', v: 20 }]
    await hub.hub.core.events.builtIn.append([event('d1', pack)])
    const collect = await hub.collect({ topic: 'senml/{device}' })
    const { agent } = await agentOf(collect, { decode: [{ type: 'senml', topics: ['senml/{device}'] }] })
    await until_(agent, 1)
    expect(await devicesOf(agent)).toEqual(['hall/d1'])
    expect((await agent.reporter.status()).accounts).toMatchObject({ accepted: 1, invalid: 0 })
    await agent.stop()
    const loose = { ...collect, topic: 'senml/of-{device}' }
    const { agent: other } = await agentOf(loose, { decode: [{ type: 'senml', topics: ['senml/#'] }] })
    await until_(other, 1)
    expect(await devicesOf(other)).toEqual(['hall/d1'])
    expect((await other.reporter.status()).deadLetters).toEqual({ 'bad-topic': 1 })
  })

  it('without a time of their own count at the time at which the hub had them', async () => {
    const unstamped = (seq: number) => event('d1', { seq, boot: 'a', readings: { t: seq } })
    await hub.hub.core.events.builtIn.append([unstamped(1)])
    const [first] = await hub.events()
    await until(() => Date.now() > first!.enqueuedMs + 3_000, soon)
    const { agent, ingest } = await agentOf(await hub.collect(), { windows: { length: '1s', lateness: '0s' } })
    await until_(agent, 1)
    await hub.hub.core.events.builtIn.append([unstamped(2)])
    await until_(agent, 2)
    await agent.pipeline.checkpoints.run()
    const row = await until(() => [...ingest.rows.values()][0], soon)
    expect(row).toMatchObject({ count: 1, unstamped: 1, start: Math.floor(first!.enqueuedMs / 1_000) * 1_000 })
  })

  it('are read over a WebSocket too', async () => {
    setDefaultCACertificates([...getCACertificates(), readFileSync(hub.hub.caFile, 'utf8')])
    await hub.hub.core.events.builtIn.append([event('d1', reading(1))])
    const collect = await hub.collect({ protocol: 'amqp-ws' })
    const file = String(collect.connectionStringFile)
    const text = readFileSync(file, 'utf8').replace(/:\d+;/, `:${hub.hub.ports.https};`)
    writeFileSync(file, `"${text.replace(';UseDevelopmentEmulator=true', '')}"`)
    const { agent } = await agentOf(collect)
    await until_(agent, 1)
    expect(await devicesOf(agent)).toEqual(['hall/d1'])
  })
})

describe('an event hub without devices', () => {
  it('is told by its senders who they are, or is one device, as the settings say', async () => {
    const plain = await hub.hub.core.events.open('readings', 2)
    const told = { anonymous: true, properties: { device: 'd1', site: 'north' } }
    await plain.append([event('k', reading(1), told), event('k', reading(2), { anonymous: true })])
    const { agent } = await agentOf(await hub.collect({ identity: 'sender' }, 'readings'))
    await until_(agent, 2)
    expect(await devicesOf(agent)).toEqual(['north/d1'])
    expect((await agent.reporter.status()).deadLetters).toEqual({ identity: 1 })
    const one = await hub.collect({ identity: 'sender', device: 'press-7', site: 'works' }, 'readings')
    const { agent: other } = await agentOf(one)
    await until_(other, 2)
    expect(await devicesOf(other)).toEqual(['north/d1', 'works/press-7'])
  })
})

describe('what hinders collecting', () => {
  it('names the setting, a consumer group that is not there too, and ends when the hub is back', async () => {
    const strict = await TestHub.open(bench, { consumerGroups: ['millrace'] })
    const log = silentLogger
    const sourceOf = async (consumerGroup: string) => {
      const { type: _type, ...settings } = await strict.collect({ consumerGroup })
      const context = {
        site: 'hall',
        dataDir: await bench.folder(),
        clock: systemClock,
        log,
        loadMarks: async () => new Map(),
      }
      return await hubCollector.create(hubCollectorSettings.parse(settings), context)
    }
    const wrong = await sourceOf('other')
    const right = await sourceOf('millrace')
    for (const source of [wrong, right]) {
      bench.onClose(() => source.stop())
      await source.start((delivery) => delivery.ack())
    }
    const says = (source: Source, pattern: RegExp) => until(() => pattern.test(source.problem?.() ?? 'none'), soon)
    await says(wrong, /millrace has no consumer group other \(collect\.consumerGroup\)/)
    await says(right, /^none$/)
    await strict.stop()
    await says(right, /no connection to millrace at .*collect\.connectionStringFile/)
  })

  it('such as a spool without room leaves the events with the hub, and they are offered again in order', async () => {
    await hub.hub.core.events.builtIn.append([event('d1', reading(1)), event('d1', reading(2))])
    const { type: _type, ...settings } = await hub.collect()
    const context = { site: 'hall', dataDir: await bench.folder(), clock: systemClock, log: silentLogger }
    const source = await hubCollector.create(hubCollectorSettings.parse(settings), {
      ...context,
      loadMarks: async () => new Map(),
    })
    bench.onClose(() => source.stop())
    const taken: string[] = []
    let refusals = 0
    await source.start((delivery) => {
      if (refusals++ < 2) delivery.refuse('no room')
      else {
        taken.push(...delivery.messages.map(({ body }) => Buffer.from(body).toString()))
        delivery.ack()
      }
    })
    await until(() => taken.length === 2, soon)
    expect(taken).toEqual([1, 2].map((seq) => JSON.stringify(reading(seq))))
  })
})
