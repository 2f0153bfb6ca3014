import { join } from 'node:path'
import { until } from '@millrace/pipeline/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { AgentStatus, DeviceStatus } from '../edge-agent/src/status.ts'
import { AgentProcess } from '../edge-agent/src/testing/agent-process.ts'
import { Device } from '../edge-agent/src/testing/device.ts'
import { FakeIngest } from '../edge-agent/src/testing/fake-ingest.ts'
import { agentConfig, Bench, freePort } from '../edge-agent/src/testing/fixture.ts'
import { losingBuilds } from './list/losing-builds.ts'

/** Each agent is given a mutant of its own. */
const preload = `--import ${new URL('load.ts', import.meta.url).href}`
const lengthMs = 10_000
const baseMs = Math.floor((Date.now() - 600_000) / lengthMs) * lengthMs

type Status = Omit<AgentStatus, 'devices'> & { devices: DeviceStatus[] }

/** An agent that is the named mutant, with a device and the far side. */
async function start(mutant: string) {
  const bench = new Bench()
  onTestFinished(() => bench.close())
  const { port: cloudPort } = await bench.broker()
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const config = agentConfig({ dataDir: await bench.folder(), cloudPort, mqttPort, spool: { commit: 0 } })
  const agent = await AgentProcess.configure(join(await bench.folder(), 'agent.yaml'), config, httpPort)
  bench.onClose(() => agent.stop())
  const environment = { NODE_OPTIONS: preload, MILLRACE_MUTANT: mutant }
  await agent.start(environment)
  // The second message is lost on its way, so that receipts come in ranges.
  const takes = (seq: number) => seq !== 1
  await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}`, takes }))
  const device = await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'd1'))
  const status = async () => (await agent.json('/api/status?devices=1')) as Status
  const restart = async (next: NodeJS.ProcessEnv = environment) => {
    await agent.kill()
    await agent.start(next)
  }
  return { device, status, restart }
}

/** Windows that close, one that is amended, one that stays open, and a few messages to the cloud. */
async function publish(device: Device, status: () => Promise<Status>): Promise<void> {
  let seq = 0
  const send = (atMs: number) => {
    const readings = { temperature: seq, humidity: seq / 2 }
    return device.send({ ts: baseMs + atMs, seq: seq++, boot: 'a', readings })
  }
  for (let at = 0; at < 60_000; at += 2_500) await send(at)
  await status()
  await send(8_100)
  await send(80_000)
  await status()
  await send(100_000)
  await device.send({ ts: baseMs + 111_000, seq: seq++, boot: 'a', readings: { pressure: 1 } })
  await status()
}

/** What is unaccounted, once it is the same in two looks. */
async function unaccounted(status: () => Promise<Status>): Promise<number> {
  let before = Number.NaN
  return (await until(
    async () => {
      const { unaccounted: now } = await status()
      const same = now === before && now !== 0
      before = now
      return same ? { now } : undefined
    },
    { withinMs: 15_000, everyMs: 100, label: 'something unaccounted' },
  ))!.now
}

/** Losses that show once the agent has nothing but its disk: what is sent, and whether a checkpoint comes before the end. */
const restarted = new Map([
  ['agent-loses-in-the-journal', { checkpoint: false }],
  ['agent-loses-an-open-window', { checkpoint: true }],
])
/** What is unaccounted where it is not one: a window of four readings; a reading short in the terms and one too many in messages. */
const shownAs = new Map([
  ['agent-loses-a-closing', 4],
  ['agent-loses-a-settlement', 2],
])
const inAgent = losingBuilds.filter(({ name }) => name.startsWith('agent-'))

describe('a build that loses or doubles one reading says so', () => {
  it.each(inAgent)('$name', async ({ name }) => {
    const { device, status, restart } = await start(name)
    const after = restarted.get(name)
    if (after) {
      // The next checkpoint by the clock is then as far away as it can be.
      await status()
      await device.send({ ts: baseMs, seq: 0, boot: 'a', readings: { temperature: 1, humidity: 2 } })
      if (after.checkpoint) await status()
      await restart({ MILLRACE_MUTANT: '' })
    } else await publish(device, status)
    expect(await unaccounted(status)).toBe(shownAs.get(name) ?? 1)
    const { devices, lostMessages, unaccounted: total } = await status()
    const sum = devices.reduce((all, one) => all + one.unaccounted, 0)
    expect(sum + lostMessages).toBe(total)
    if (name.includes('doubles')) expect(devices[0]!.differences.terms).toBeLessThan(0)
  })

  it('a build without a fault has nothing unaccounted', async () => {
    const { device, status, restart } = await start(process.env.MILLRACE_MUTANT ?? '')
    await device.send({ ts: baseMs - 20_000, boot: '0', seq: 0, readings: { temperature: 1, humidity: 2 } })
    await restart()
    await device.send({ ts: baseMs - 10_000, boot: '0', seq: 1, readings: { pressure: 1 } })
    await status()
    await restart()
    expect((await status()).unaccounted).toBe(0)
    await publish(device, status)
    await until(async () => (await status()).spool.outboxMessages === 1, {
      withinMs: 20_000,
      label: 'one message left',
    })
    await restart()
    const { unaccounted: total, accounts } = await status()
    expect([total, accounts.accepted]).toEqual([0, 24 * 2 + 3 * 2 + 1 + 3])
  })
})
