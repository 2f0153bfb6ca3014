import { afterEach, beforeEach, expect, it } from 'vitest'
import { Stack } from '../cloud-ingest/src/testing/stack.ts'
import type { DeviceAccount } from '../edge-agent/src/accounts.ts'
import type { Agent } from '../edge-agent/src/agent.ts'
import { Device } from '../edge-agent/src/testing/device.ts'
import { Bench, freePort } from '../edge-agent/src/testing/fixture.ts'
import type { AccountsResponse, PipelineResponse } from '../packages/contracts/src/index.ts'
import { until } from '../packages/pipeline/testing/index.ts'

type AgentAccounts = { total: Record<string, number>; devices: DeviceAccount[] }

const terms = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'qos0', 'sent'] as const
let bench: Bench
let stack: Stack
let agent: Agent
beforeEach(async () => {
  bench = new Bench()
  const { port } = await bench.broker()
  stack = await new Stack({ brokerPort: port }).start()
  const mqttPort = await freePort()
  agent = await bench.agent({ dataDir: await bench.folder(), cloudPort: port, mqttPort })
  const url = `mqtt://127.0.0.1:${mqttPort}`
  for (const name of ['d1', 'd2']) await publish(await bench.add(new Device(url, 'hall', name)))
})
afterEach(async () => {
  await bench.close()
  await stack.stop()
})

/** Windows that close and one that stays open, a repeat, a value that is none, a time that is none. */
async function publish(device: Device): Promise<void> {
  const baseMs = Math.floor((Date.now() - 600_000) / 10_000) * 10_000
  for (let seq = 0; seq < 20; seq++) {
    await device.send({ ts: baseMs + seq * 2_500, seq, boot: 'a', readings: { temperature: seq, humidity: 50 } })
  }
  await device.send({ ts: baseMs + 47_500, seq: 19, boot: 'a', readings: { temperature: 19, humidity: 50 } })
  await device.send({ ts: baseMs + 60_000, seq: 20, boot: 'a', readings: { temperature: 'warm', humidity: 51 } })
  await device.send({ ts: baseMs + 86_400_000, seq: 21, boot: 'a', readings: { temperature: 3 } })
}

const agentUrl = (path: string) => `http://127.0.0.1:${agent.httpPort}${path}`
const ofAgent = async (path: string) => (await fetch(agentUrl(path))).json()

/** Values of the meters whose labels hold all of these. */
function meter(text: string, name: string, labels: Record<string, string> = {}): number[] {
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line))
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  return lines
    .filter((line) => wanted.every((label) => line.includes(label)))
    .map((line) => Number(line.split(' ').at(-1)))
}

it('agent and ingest say the same of every device, in /api/accounts, /api/status, /api/pipeline and /metrics', async () => {
  await agent.pipeline.checkpoints.run(undefined, true)
  const expected = (await ofAgent('/api/accounts')) as AgentAccounts
  expect(((await ofAgent('/api/accounts?devices=0')) as AgentAccounts).devices).toEqual([])
  expect(expected.total).toMatchObject({ accepted: 90, duplicate: 4, invalid: 4, unaccounted: 0, lostMessages: 0 })
  const status = (await ofAgent('/api/status')) as { accounts: object; unaccounted: number }
  expect(expected.total).toMatchObject({ ...status.accounts, unaccounted: status.unaccounted })

  const told = async () => {
    const accounts = (await stack.get('/api/accounts')) as AccountsResponse
    return accounts.total.accepted === expected.total.accepted && accounts.agents?.length === 1 ? accounts : undefined
  }
  const { total, devices, agents } = (await until(told, { withinMs: 20_000, label: 'the ingest knows' }))!
  expect(agents).toEqual([{ site: 'hall', agent: 'edge-1', unaccounted: 0, lostMessages: 0 }])
  for (const term of [...terms, 'invalid', 'dropped', 'unaccounted'] as const)
    expect(total[term]).toBe(expected.total[term])
  expect(total).toMatchObject({ held: expected.total.sent, refused: 0, mismatch: 0, missingUpstream: 0 })
  for (const { device, ...rest } of expected.devices) {
    const same = devices.find((one) => one.device === device)
    for (const term of [...terms, 'unaccounted'] as const)
      expect([device, term, same?.[term]]).toEqual([device, term, rest[term]])
  }
  const pipeline = (await stack.get('/api/pipeline')) as PipelineResponse
  for (const term of terms) expect(pipeline.agents[0]?.accounts[term]).toBe(expected.total[term])

  const [agentText, ingestText] = await Promise.all(
    [agentUrl('/metrics'), `http://127.0.0.1:${stack.ingest!.port}/metrics`].map(async (url) =>
      (await fetch(url)).text(),
    ),
  )
  for (const term of terms.slice(0, 6))
    expect(meter(agentText!, 'millrace_agent_readings', { term })).toEqual([expected.total[term]])
  for (const term of terms) {
    expect(meter(ingestText!, 'millrace_ingest_readings', { term })).toEqual([expected.total[term]])
    expect(meter(ingestText!, 'millrace_ingest_agent_readings', { term, agent: 'edge-1' })).toEqual([
      expected.total[term],
    ])
    for (const one of expected.devices) {
      const labels = { term, device: one.device, site: one.site }
      expect(meter(agentText!, 'millrace_agent_device_readings', labels)).toEqual([one[term]])
      expect(meter(ingestText!, 'millrace_ingest_device_readings', labels)).toEqual([one[term]])
    }
  }
  expect(meter(agentText!, 'millrace_agent_unaccounted')).toEqual([0])
  for (const name of ['unaccounted', 'mismatch', 'missing_upstream_messages']) {
    expect(meter(ingestText!, `millrace_ingest_${name}`)).toEqual([0])
  }
})

it('a message that is missing between agent and ingest is missingUpstream until it comes', async () => {
  await agent.pipeline.checkpoints.run(undefined, true)
  await until(async () => ((await stack.accounts()).total.held ?? 0) > 0, { withinMs: 20_000 })
  const missing = async () => {
    const { total } = await stack.accounts()
    const pipeline = (await stack.get('/api/pipeline')) as PipelineResponse
    const inAll = pipeline.agents.reduce((sum, one) => sum + one.missingUpstream, 0)
    const text = await (await fetch(`http://127.0.0.1:${stack.ingest!.port}/metrics`)).text()
    const metered = meter(text, 'millrace_ingest_missing_upstream_messages').reduce((sum, one) => sum + one, 0)
    return [total.missingUpstream, inAll, metered]
  }
  await stack.send({ site: 'hall', agent: 'edge-2', spool: 'spool-x', seq: 0, rows: [{}] })
  await stack.send({
    site: 'hall',
    agent: 'edge-2',
    spool: 'spool-x',
    seq: 2,
    rows: [{ metric: 'humidity' }],
    sent: { pump: 9 },
  })
  await until(async () => (await missing())[0] === 1, { withinMs: 20_000 })
  expect(await until(async () => ((await missing())[1] === 1 ? missing() : undefined), { withinMs: 20_000 })).toEqual([
    1, 1, 1,
  ])
  expect((await stack.accounts()).total.mismatch).toBe(0)
  await stack.send({
    site: 'hall',
    agent: 'edge-2',
    spool: 'spool-x',
    seq: 1,
    rows: [{ metric: 'pressure' }],
    sent: { pump: 6 },
  })
  await until(async () => (await missing()).every((count) => count === 0), { withinMs: 20_000 })
  expect((await stack.accounts()).total.mismatch).toBe(0)
})
