import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Alert, statusBodySchema } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { createMqttLink } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Agent } from './agent.ts'
import { Device } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { type AgentSettings, Bench, freePort } from './testing/fixture.ts'
import { WebhookServer } from './testing/webhook-server.ts'

const lengthMs = 10_000
const soon = { withinMs: 20_000 }
let bench: Bench
/** Start of a window two hours ago: event times in the tests count from here. */
let baseMs: number

beforeEach(() => {
  bench = new Bench()
  baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
})
afterEach(() => bench.close())

const warm = { id: 'warm', at: 'edge', kind: 'threshold', select: { metric: 'temperature' }, above: 8 }

async function rulesFolder(...rules: object[]): Promise<string> {
  const folder = await bench.folder()
  await writeRules(folder, ...rules)
  return folder
}

/** JSON is YAML. */
async function writeRules(folder: string, ...rules: object[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'rules.yaml'), JSON.stringify({ rules }))
}

async function settingsOf(rules: string | undefined, more: Partial<AgentSettings> = {}): Promise<AgentSettings> {
  return { dataDir: await bench.folder(), cloudPort: await freePort(), ...(rules ? { rules } : {}), ...more }
}

async function deviceOf(agent: Agent, name = 'd1') {
  const device = await bench.add(new Device(`mqtt://127.0.0.1:${agent.mqttPort}`, 'hall', name))
  let seq = 0
  /** One reading in each window from the given one on. */
  return async (window: number, ...temperatures: number[]) => {
    for (const [at, temperature] of temperatures.entries()) {
      const ts = baseMs + (window + at) * lengthMs + 5_000
      await device.send({ ts, seq: seq++, boot: 'a', readings: { temperature } })
    }
  }
}

const settled = (agent: Agent) => agent.pipeline.checkpoints.run()
const rulesOf = async (agent: Agent) => (await agent.reporter.status()).rules
const brief = ({ id, rev, change, start, end }: Alert) => [
  id,
  rev,
  change,
  start - baseMs,
  end === null ? null : end - baseMs,
]
const warmId = (window: number, device = 'd1') => `warm/hall/${device}/temperature/${baseMs + window * lengthMs}`

describe('rules at the edge', () => {
  it('raise, tell and clear while the cloud is away, which later has every alert exactly once in effect', async () => {
    const hook = await bench.add(new WebhookServer())
    const settings = await settingsOf(await rulesFolder(warm), { notify: hook.config })
    const agent = await bench.agent(settings)
    const send = await deviceOf(agent)
    await send(0, 5, 9, 9, 5)
    await settled(agent)
    expect(await rulesOf(agent)).toMatchObject({ evaluator: 'edge-1', rules: 1, active: 1, raised: 1, problem: null })
    await until(() => hook.told('raised').length === 1, soon)
    const metrics = await (await fetch(`http://127.0.0.1:${agent.httpPort}/metrics`)).text()
    expect(metrics).toMatch(/^millrace_agent_alerts_active 1$/m)
    expect(metrics).toMatch(/^millrace_agent_notices_waiting{channel="ops"} 0$/m)
    await send(4, 5, 5)
    await settled(agent)
    expect(await rulesOf(agent)).toMatchObject({ active: 0, raised: 1 })
    await until(() => hook.told('cleared').length === 1, soon)
    await bench.broker(settings.cloudPort)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
    await until(async () => (await agent.reporter.status()).spool.outboxMessages === 0, soon)
    expect(ingest.alertChanges.toSorted((a, b) => a.rev - b.rev).map(brief)).toEqual([
      [warmId(1), 0, 'raised', lengthMs, null],
      [warmId(1), 1, 'cleared', lengthMs, 3 * lengthMs],
    ])
    expect(ingest.balance()).toEqual([])
    expect((await agent.reporter.status()).unaccounted).toBe(0)
  })

  it('are judged on readings soon after they came, without waiting for their window', async () => {
    const settings = await settingsOf(await rulesFolder({ ...warm, on: 'reading' }))
    await bench.broker(settings.cloudPort)
    const agent = await bench.agent(settings)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
    const send = await deviceOf(agent)
    await send(0, 9)
    await until(() => ingest.alerts.size === 1, soon)
    expect([...ingest.alerts.values()]).toMatchObject([{ change: 'raised', start: baseMs + 5_000, value: 9 }])
    await send(1, 5)
    await until(() => [...ingest.alerts.values()][0]?.state === 'cleared', soon)
    expect(ingest.balance()).toEqual([])
    const statuses = ingest.others.filter(({ kind }) => kind === 'status')
    expect(statusBodySchema.parse(statuses.at(-1)?.body).rules).toMatchObject({ evaluator: 'edge-1', rules: 1 })
  })

  it('find a device silent that says nothing, though no reading comes at all', async () => {
    const settings = await settingsOf(
      await rulesFolder({ id: 'silent', at: 'edge', kind: 'silence', of: 'device', for: '3s' }),
    )
    await bench.broker(settings.cloudPort)
    const agent = await bench.agent(settings)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
    const send = await deviceOf(agent)
    await send(0, 5)
    await until(() => ingest.alerts.size === 1, { withinMs: 40_000, label: 'a silent device' })
    const [alert] = ingest.alerts.values()
    expect(alert).toMatchObject({ cause: 'device-silent', device: 'd1', metric: null, state: 'active' })
    await send(1, 5)
    await until(() => [...ingest.alerts.values()][0]?.state === 'cleared', soon)
  })

  it('judge a window again that late data amended: the alert moves to where it began, and nobody hears of a second one', async () => {
    const hook = await bench.add(new WebhookServer())
    const settings = await settingsOf(await rulesFolder(warm), { notify: hook.config })
    await bench.broker(settings.cloudPort)
    const agent = await bench.agent(settings)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
    const send = await deviceOf(agent)
    await send(0, 5, 9, 9, 9)
    await settled(agent)
    await until(() => hook.told('raised').length === 1, soon)
    await send(0, 30)
    await send(4, 9, 9, 9)
    await settled(agent)
    await until(() => hook.told('moved').length === 1, soon)
    expect({ raised: hook.told('raised'), moved: hook.told('moved') }).toEqual({
      raised: [warmId(1)],
      moved: [warmId(0)],
    })
    await until(async () => (await agent.reporter.status()).spool.outboxMessages === 0, soon)
    const states = [...ingest.alerts.values()].map(({ id, state, movedFrom }) => [id, state, movedFrom])
    expect(states.toSorted()).toEqual([
      [warmId(0), 'active', warmId(1)],
      [warmId(1), 'withdrawn', null],
    ])
    expect((await rulesOf(agent))?.active).toBe(1)
  })

  it('go on over a restart: nothing is told again, an episode clears where it was raised before', async () => {
    const hook = await bench.add(new WebhookServer())
    const settings = await settingsOf(await rulesFolder(warm), { notify: hook.config })
    const before = await bench.agent(settings)
    await (await deviceOf(before))(0, 9, 9)
    await settled(before)
    await until(() => hook.told('raised').length === 1, soon)
    await before.stop()
    const agent = await bench.agent(settings)
    expect(await rulesOf(agent)).toMatchObject({ active: 1, raised: 0 })
    const send = await deviceOf(agent, 'd1')
    await send(10, 9, 5, 5)
    await settled(agent)
    await until(() => hook.told('cleared').length === 1, soon)
    expect(hook.told('raised')).toEqual([warmId(0)])
    expect(hook.told('cleared')).toEqual([warmId(0)])
  })
})

describe('actuators', () => {
  it('read the state of a rule from the broker of the agent itself, the cloud being away, also after a restart', async () => {
    const channels = [{ type: 'mqtt', name: 'lamps', topic: 'actuators/{rule}/{device}' }]
    const settings = await settingsOf(await rulesFolder({ ...warm, on: 'reading' }), { notify: { channels } })
    const first = await bench.agent(settings)
    const states: string[] = []
    const lampAt = async (agent: Agent) => {
      const link = createMqttLink({ url: `mqtt://127.0.0.1:${agent.mqttPort}`, clientId: 'lamp' })
      link.subscribe(['actuators/#'], ({ topic, body }) => {
        states.push(`${topic} ${(JSON.parse(Buffer.from(body).toString('utf8')) as { state: string }).state}`)
      })
      bench.onClose(() => link.stop())
      await link.start()
    }
    await lampAt(first)
    await (await deviceOf(first))(0, 9)
    await until(() => states.includes('actuators/warm/d1 active'), soon)
    await first.stop()
    states.length = 0
    const second = await bench.agent(settings)
    await lampAt(second)
    await until(() => states.includes('actuators/warm/d1 active'), soon)
    await (await deviceOf(second))(1, 5)
    await until(() => states.includes('actuators/warm/d1 cleared'), soon)
    expect((await second.reporter.status()).deadLetters).toEqual({})
  })
})

describe('the folder of rules', () => {
  it('is followed: good files are in force at once, bad ones leave the last good rules in force, also over a restart', async () => {
    const folder = await rulesFolder(warm)
    const settings = await settingsOf(folder)
    const agent = await bench.agent(settings)
    const { version } = (await rulesOf(agent))!
    await writeFile(join(folder, 'bad.yaml'), 'rules: [{ id: worse')
    await until(async () => (await rulesOf(agent))?.problem !== null, soon)
    expect(await rulesOf(agent)).toMatchObject({ version, rules: 1 })
    await agent.stop()
    const again = await bench.agent(settings)
    const { problem, ...inForce } = (await rulesOf(again))!
    expect(problem).toMatch('bad.yaml')
    expect(inForce).toMatchObject({ version, rules: 1 })
    await (await deviceOf(again))(0, 9, 9)
    await settled(again)
    expect(await rulesOf(again)).toMatchObject({ active: 1 })
    await rm(join(folder, 'bad.yaml'))
    await until(async () => (await rulesOf(again))?.problem === null, soon)
    expect(await rulesOf(again)).toMatchObject({ version, active: 1 })
  })

  it('that lost a rule withdraws its alerts, whether the agent ran meanwhile, was stopped, or has no rules any more', async () => {
    const folder = await rulesFolder(
      warm,
      { ...warm, id: 'warmer', above: 8.5 },
      { ...warm, id: 'warmest', above: 8.8 },
    )
    const settings = await settingsOf(folder)
    await bench.broker(settings.cloudPort)
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${settings.cloudPort}` }))
    const states = () => [...ingest.alerts.values()].map(({ rule, state }) => `${rule} ${state}`).toSorted()
    const first = await bench.agent(settings)
    await (await deviceOf(first))(0, 9, 9)
    await settled(first)
    await until(() => ingest.alerts.size === 3, soon)
    await writeRules(folder, warm, { ...warm, id: 'warmer', above: 8.5 })
    await until(() => states().includes('warmest withdrawn'), soon)
    await first.stop()
    await writeRules(folder, warm)
    const second = await bench.agent(settings)
    await until(() => states().includes('warmer withdrawn'), soon)
    expect(states()).toContain('warm active')
    await second.stop()
    const { rules: _, ...without } = settings
    const third = await bench.agent(without)
    await until(() => states().includes('warm withdrawn'), soon)
    await until(async () => (await third.reporter.status()).spool.outboxMessages === 0, soon)
    await third.stop()
    const fourth = await bench.agent(without)
    expect(await rulesOf(fourth)).toBeUndefined()
    expect(ingest.balance()).toEqual([])
  })

  it('that cannot be read keeps no agent from starting', async () => {
    const agent = await bench.agent(await settingsOf(join(await bench.folder(), 'missing')))
    expect(await rulesOf(agent)).toMatchObject({ rules: 0, problem: expect.stringContaining('missing') })
    await (await deviceOf(agent))(0, 9)
    expect((await agent.reporter.status()).accounts.accepted).toBe(1)
  })
})

it('a spool made before there were rules takes them', async () => {
  const settings = await settingsOf(undefined)
  const before = await bench.agent(settings)
  await (await deviceOf(before))(0, 9, 9)
  await before.stop()
  const database = new DatabaseSync(join(settings.dataDir, 'spool.db'))
  database.exec('DROP TABLE rule_state')
  database.close()
  const hook = await bench.add(new WebhookServer())
  const agent = await bench.agent({ ...settings, rules: await rulesFolder(warm), notify: hook.config })
  await (await deviceOf(agent))(2, 9, 9)
  await settled(agent)
  await until(() => hook.told('raised').length === 1, soon)
  expect(agent.pipeline.spool.name).toBe(before.pipeline.spool.name)
})
