import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LiveBody } from '@millrace/contracts'
import { checkConfig, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink, credentialLine, type MqttLink } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { agentConfigSchema } from './config.ts'
import { startAgent } from './lives.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { type AgentSettings, agentConfig, Bench } from './testing/fixture.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

/** A topic and payload of each family, with the series and unit it becomes. */
const families = [
  ['zigbee2mqtt/Living Room', '{"temperature":21.4,"linkquality":84}', 'Living-Room/temperature', '°C', 21.4],
  ['tele/plug/SENSOR', '{"Time":"2026-11-20T10:00:00","ENERGY":{"Total":1.5,"Power":17}}', 'plug/energy', 'Wh', 1500],
  ['shellies/shellyplug-s-1/relay/0/power', '45.30', 'shellyplug-s-1/power.0', 'W', 45.3],
  [
    'shellyplus1pm-4/status/switch:0',
    '{"id":0,"output":true,"apower":8.9}',
    'shellyplus1pm-4/switch:0.power',
    'W',
    8.9,
  ],
  ['livingroom/sensor/humidity/state', '40.5', 'livingroom/humidity', '%', 40.5],
  ['homeassistant/sensor/attic/state', '19.5', 'sensor.attic/state', '', 19.5],
  ['senml/up', '[{"bn":"meter/","n":"pressure","u":"Pa","v":100000}]', 'meter/pressure', 'hPa', 1000],
  ['telemetry/hall/contract', '{"readings":{"co2":612}}', 'contract/co2', 'ppm', 612],
] as const

const presets = ['zigbee2mqtt', 'tasmota', 'shelly-gen1', 'home-assistant-statestream', 'esphome', 'shelly-gen2']
const decode = [...presets.map((preset) => ({ type: 'mapped', preset })), { type: 'senml' }]
const windows = { length: '1s', lateness: '0ms', idle: '1s' }

async function agentWith(settings: AgentSettings, more: object): Promise<Agent> {
  const config = checkConfig({ ...agentConfig(settings), ...more }, agentConfigSchema, 'the test')
  const agent = await startAgent({ config, clock: systemClock, log: silentLogger })
  bench.onClose(() => agent.stop())
  return agent
}

async function device(url: string, clientId: string, secrets: object = {}): Promise<MqttLink> {
  const link = createMqttLink({ url, clientId, ...secrets })
  bench.onClose(() => link.stop())
  await link.start()
  return link
}

/** Series seen in summaries, with their units, and those seen live. */
function seen(ingest: FakeIngest) {
  const live = ingest.others.filter(({ kind }) => kind === 'live').map(({ body }) => (body as LiveBody).columns)
  return {
    summaries: new Map([...ingest.rows.values()].map((row) => [`${row.device}/${row.metric}`, row])),
    live: new Map(
      live.flatMap(({ device: names, metric, unit, value }) =>
        names.map((name, at) => [`${name}/${metric[at]}`, [unit[at], value[at]]]),
      ),
    ),
  }
}

describe('an agent with presets', () => {
  it('makes summaries and live values, in their units, of what each firmware publishes', async () => {
    const { port: cloudPort } = await bench.broker()
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    const agent = await agentWith({ dataDir: await bench.folder(), cloudPort, windows }, { decode })
    const link = await device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'firmware')
    for (const [topic, payload] of families) await link.publish({ topic, body: Buffer.from(payload) })
    await link.publish({ topic: 'zigbee2mqtt/bridge/state', body: Buffer.from('{"state":"online"}') })
    await link.publish({ topic: 'tele/plug/SENSOR', body: Buffer.from('{"ENERGY":') })
    await until(
      () => families.every(([, , series]) => seen(ingest).summaries.has(series) && seen(ingest).live.has(series)),
      {
        label: 'summaries and live values of all',
        withinMs: 60_000,
      },
    )
    const { summaries, live } = seen(ingest)
    for (const [, , series, unit, value] of families) {
      expect(summaries.get(series)).toMatchObject({ site: 'hall', unit, min: value, max: value, unstamped: 1 })
      expect(live.get(series)).toEqual([unit, value])
    }
    expect(ingest.breaches).toEqual([])
    const status = await agent.reporter.status()
    expect(status).toMatchObject({ ignoredMessages: 1, deadLetters: { 'bad-json': 1 }, unaccounted: 0 })
  })

  it('lets a device that signed in publish where its topic names it, and nowhere else', async () => {
    const { port: cloudPort } = await bench.broker()
    const dataDir = await bench.folder()
    const credentialsFile = join(dataDir, 'credentials')
    await writeFile(credentialsFile, `${await credentialLine('plug', 'device', 'secret')}\n`, { mode: 0o600 })
    const collect = { type: 'broker', port: 0, credentialsFile }
    const agent = await agentWith({ dataDir, cloudPort, windows }, { decode, collect })
    const secrets = { username: 'plug', password: 'secret' }
    const link = await device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'plug', secrets)
    await link.publish({ topic: 'tele/plug/LWT', body: Buffer.from('Online') })
    await link.publish({ topic: 'tele/plug/SENSOR', body: Buffer.from('{"SHT3X":{"Humidity":50}}') })
    const denied = await device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'plug/2', secrets)
    let accepted = false
    denied.publish({ topic: 'tele/other/SENSOR', body: Buffer.from('{"SHT3X":{"Humidity":50}}') }).then(
      () => {
        accepted = true
      },
      () => undefined,
    )
    await until(async () => !denied.connected, { label: 'the end of its connection', withinMs: 60_000 })
    const status = await agent.reporter.status()
    expect([accepted, status.accounts.accepted, status.ignoredMessages]).toEqual([false, 1, 1])
  })

  it('keeps the units of its series over a restart, also without the preset', async () => {
    const { port: cloudPort } = await bench.broker()
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    const dataDir = await bench.folder()
    const first = await agentWith({ dataDir, cloudPort, windows: { ...windows, idle: '1h' } }, { decode })
    const link = await device(`mqtt://127.0.0.1:${first.mqttPort}`, 'firmware')
    await link.publish({ topic: 'tele/plug/SENSOR', body: Buffer.from('{"SHT3X":{"Temperature":20}}') })
    await link.stop()
    await first.stop()
    const second = await bench.agent({ dataDir, cloudPort, windows })
    await until(() => ingest.rowsOf('plug').length > 0, { label: 'the summary after the restart', withinMs: 60_000 })
    expect(ingest.rowsOf('plug')[0]).toMatchObject({ metric: 'SHT3X.temperature', unit: '°C' })
    await second.stop()
  })

  it('subscribes at a broker that is there already, and counts nothing old that it had kept', async () => {
    const { port: cloudPort } = await bench.broker()
    const url = `mqtt://127.0.0.1:${cloudPort}`
    const ingest = await bench.add(new FakeIngest({ url }))
    const link = await device(url, 'zigbee2mqtt')
    await link.publish({ topic: 'zigbee2mqtt/attic', body: Buffer.from('{"temperature":1}'), retain: true })
    const agent = await agentWith(
      { dataDir: await bench.folder(), cloudPort, windows },
      { decode, collect: { type: 'mqtt', url } },
    )
    await until(async () => (await agent.reporter.status()).ignoredMessages === 1, {
      label: 'the kept message',
      withinMs: 60_000,
    })
    await link.publish({ topic: 'zigbee2mqtt/attic', body: Buffer.from('{"temperature":2}') })
    await until(() => ingest.rowsOf('attic').length > 0, { label: 'its summary', withinMs: 60_000 })
    expect(ingest.rowsOf('attic')).toMatchObject([{ metric: 'temperature', count: 1, last: 2 }])
  })
})
