import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AgentProcess } from '../edge-agent/src/testing/agent-process.ts'
import { Device } from '../edge-agent/src/testing/device.ts'
import { agentConfig, Bench, freePort } from '../edge-agent/src/testing/fixture.ts'
import type { AccountsResponse, SummaryRow } from '../packages/contracts/src/index.ts'
import { until } from '../packages/pipeline/testing/index.ts'
import { Parts } from './parts.ts'
import { temporaryFolder } from './stack.ts'

const minuteMs = 60_000
let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

/** An agent with a broker for devices, and the device as its client. */
async function agentWithDevice(name: string, cloudPort: number) {
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const folder = await bench.folder()
  const config = { ...agentConfig({ dataDir: join(folder, 'spool'), cloudPort, mqttPort }), agent: name }
  const agent = await AgentProcess.configure(
    join(folder, 'agent.yaml'),
    { ...config, windows: { length: '1m', idle: '1h' } },
    httpPort,
  )
  await bench.add(agent)
  return { agent, device: await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'mover')) }
}

it('within a minute, and the first agent dies: one row holds both parts, and both accounts hold', async () => {
  const cloudMqttPort = await freePort()
  const parts = await Parts.prepare({
    ...{ dataDir: temporaryFolder(), speed: 1, beginMs: 0, simulator: [] },
    cloudMqttPort,
  })
  bench.onClose(() => parts.remove())
  for (const part of ['broker', 'ingest'] as const) await parts.start(part)
  const first = await agentWithDevice('edge-1', cloudMqttPort)
  const second = await agentWithDevice('edge-2', cloudMqttPort)
  const startMs = Math.floor(Date.now() / minuteMs) * minuteMs - 5 * minuteMs
  const send = ({ device }: typeof first, seq: number, ts = startMs + seq * 1_000) => {
    return device.send({ ts, seq, boot: 'b', readings: { temperature: seq } })
  }

  for (let seq = 0; seq < 25; seq++) await send(first, seq)
  await first.agent.kill()
  for (let seq = 25; seq < 60; seq++) await send(second, seq)
  await send(second, 60, startMs + 2 * minuteMs)
  const query = `site=hall&device=mover&metric=temperature&from=${startMs}&to=${startMs + minuteMs}&step=1m`
  const row = async () => {
    return (await parts.get<{ summaries: SummaryRow[] }>(`/api/summaries?${query}`)).summaries.find(
      ({ start, rev }) => start === startMs && rev !== undefined,
    )
  }
  await until(async () => (await row())?.count === 35, { withinMs: 40_000, everyMs: 100, label: 'the second part' })

  await first.agent.start()
  await send(first, 61, startMs + 2 * minuteMs)
  await until(async () => (await row())?.count === 60, { withinMs: 40_000, everyMs: 100, label: 'both parts' })
  expect(await row()).toMatchObject({ count: 60, sum: 1770, min: 0, max: 59, first: 0, last: 59, duplicate: 0 })
  const accounts = async () => {
    const { devices } = await parts.get<AccountsResponse>('/api/accounts')
    return devices.filter(({ device }) => device === 'mover').toSorted((a, b) => a.accepted - b.accepted)
  }
  await until(async () => (await accounts()).every(({ accepted, open, sent }) => accepted === open + sent), {
    ...{ withinMs: 150_000, everyMs: 500, label: 'accounts of both agents' },
  })
  expect(await accounts()).toMatchObject([
    { agent: 'edge-1', accepted: 26, closed: 25, open: 1, duplicate: 0, sent: 25, unaccounted: 0 },
    { agent: 'edge-2', accepted: 36, closed: 35, open: 1, duplicate: 0, sent: 35, unaccounted: 0 },
  ])
})
