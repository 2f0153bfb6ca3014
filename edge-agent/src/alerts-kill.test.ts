import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { AgentStatus } from './status.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { Device } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { agentConfig, Bench, freePort } from './testing/fixture.ts'
import { seededRandom } from './testing/seeded-random.ts'
import { WebhookServer } from './testing/webhook-server.ts'

const lengthMs = 10_000
const kills = 6
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

const rule = { at: 'edge', kind: 'threshold', select: { metric: 'temperature' }, above: 8 }
const rules = [
  { ...rule, id: 'warm' },
  { ...rule, id: 'hot', on: 'reading' },
]

async function stack(hook: WebhookServer) {
  const { port: cloudPort } = await bench.broker()
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const folder = await bench.folder()
  await writeFile(join(folder, 'rules.yaml'), JSON.stringify({ rules }))
  const settings = { dataDir: await bench.folder(), cloudPort, mqttPort, rules: folder, notify: hook.config }
  const config = agentConfig({ ...settings, spool: { commit: 0 } })
  const agent = await AgentProcess.configure(join(await bench.folder(), 'agent.yaml'), config, httpPort)
  await bench.add(agent)
  const device = (name: string) => bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', name))
  return { agent, device, url: `mqtt://127.0.0.1:${cloudPort}` }
}

/** Two windows are good, then two are bad, and so on, in order; notes the ids of the alerts that this makes. */
async function publish(device: Device, baseMs: number, { ids, stopped }: { ids: string[]; stopped(): boolean }) {
  let seq = 0
  const send = async (window: number, temperature: number) => {
    for (const offset of [1_000, 3_000, 8_000]) {
      const ts = baseMs + window * lengthMs + offset
      await device.send({ ts, seq: seq++, boot: 'a', readings: { temperature } })
    }
  }
  let window = 0
  for (; !stopped() || window % 4 !== 0; window++) {
    const start = baseMs + window * lengthMs
    const subject = `hall/${device.name}/temperature`
    if (window % 4 === 2) ids.push(`warm/${subject}/${start}`, `hot/${subject}/${start + 1_000}`)
    await send(window, window % 4 < 2 ? 5 : 9)
    await delay(2)
  }
  await send(window, 5)
  await send(window + 100, 5)
}

/** What was told of each alert that stands in a notice; a notice that was repeated with its key counts once. */
function toldOf(hook: WebhookServer): Map<string, string[]> {
  const told = new Map<string, string[]>()
  for (const { items } of hook.notices.values()) {
    for (const { kind, alert } of items) told.set(alert.id, [...(told.get(alert.id) ?? []), kind])
  }
  return told
}

/** Many changes at once become one notice, which lists the first and counts all. */
function countsOf(hook: WebhookServer): Record<string, number> {
  const sums: Record<string, number> = { raised: 0, cleared: 0, passed: 0 }
  for (const { counts } of hook.notices.values()) {
    for (const [kind, count] of Object.entries(counts)) sums[kind] = (sums[kind] ?? 0) + count
  }
  return sums
}

it('an agent killed at any moment tells every alert once, and the cloud has each exactly once in effect', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = seededRandom(seed)
  const hook = await bench.add(new WebhookServer())
  hook.answers = () => (hook.requests % 5 === 2 ? 'vanish' : hook.requests % 7 === 3 ? 'fail' : 'take')
  const { agent, device, url } = await stack(hook)
  const lost = new Set<number>()
  const takes = (seq: number) => seq % 3 !== 0 || lost.size === lost.add(seq).size
  const ingest = await bench.add(new FakeIngest({ url, takes }))
  const devices = await Promise.all(['d1', 'd2', 'd3'].map(device))
  const baseMs = Math.floor((Date.now() - 40_000_000) / lengthMs) * lengthMs
  let over = false
  const made: string[] = []
  const publishing = Promise.all(devices.map((one) => publish(one, baseMs, { ids: made, stopped: () => over })))
  const checkpoints = checkpointAllTheTime(agent, () => over)
  for (let kill = 0; kill < kills; kill++) {
    await delay(50 + random() * 900)
    await agent.kill()
    if (kill % 2 === 1) {
      agent.spawn()
      await delay(300 + random() * 700)
      await agent.kill()
    }
    await agent.start()
  }
  // On a slow machine the kills are over before much has been told.
  const enough = () => made.length >= 12 && hook.requests > hook.notices.size
  await until(enough, { withinMs: 60_000, label: `seed ${seed}: alerts, and notices that were repeated` })
  over = true
  await publishing
  const ids = made.toSorted()
  await checkpoints
  hook.answers = undefined
  const quiet = async () => {
    const { spool, rules: state } = await statusOf(agent)
    return spool.outboxMessages === 0 && state?.active === 0 && state.channels.every(({ waiting }) => waiting === 0)
  }
  await until(quiet, { withinMs: 60_000, everyMs: 200, label: `seed ${seed}: everything told and sent` })
  const right = ['raised', 'cleared', 'raised cleared', 'passed']
  const wrong = [...toldOf(hook)].filter(([id, kinds]) => !ids.includes(id) || !right.includes(kinds.join(' ')))
  expect({ seed, wrong, conflicts: hook.conflicts }).toEqual({ seed, wrong: [], conflicts: [] })
  const { raised = 0, cleared, passed = 0, ...others } = countsOf(hook)
  expect({ seed, cleared, all: raised + passed, others }).toEqual({
    seed,
    cleared: raised,
    all: ids.length,
    others: {},
  })
  expect([...ingest.alerts.keys()].toSorted()).toEqual(ids)
  const states = new Set([...ingest.alerts.values()].map(({ state }) => state))
  const revisions = ingest.alertChanges.map(({ id, rev }) => `${id} ${rev}`)
  expect({ seed, states: [...states], twice: revisions.length - new Set(revisions).size }).toEqual({
    seed,
    states: ['cleared'],
    twice: 0,
  })
  expect({ seed, breaches: ingest.balance() }).toEqual({ seed, breaches: [] })
  expect({ seed, vacuous: ids.length < 12 || hook.requests <= hook.notices.size }).toEqual({ seed, vacuous: false })
  expect(await agent.kill('SIGTERM')).toBe(0)
})

/** Each request makes a checkpoint, so that kills meet checkpoints under load. */
async function checkpointAllTheTime(agent: AgentProcess, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    await agent.json('/api/status?devices=1').catch(() => undefined)
    await delay(20)
  }
}

async function statusOf(agent: AgentProcess): Promise<AgentStatus> {
  return (await agent.json('/api/status?devices=1')) as AgentStatus
}
