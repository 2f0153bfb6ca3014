import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentStatus } from './status.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { Device, expectedWindows } from './testing/device.ts'
import { agentConfig, Bench, freePort } from './testing/fixture.ts'
import { TestHub } from './testing/hub.ts'

const lengthMs = 10_000
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

async function processOf(settings: Record<string, unknown>) {
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const config = agentConfig({
    dataDir: await bench.folder(),
    cloudPort: 1,
    mqttPort,
    spool: { commit: 0 },
    ...settings,
  })
  const agent = await AgentProcess.configure(join(await bench.folder(), 'agent.yaml'), config, httpPort)
  await bench.add(agent)
  return { agent, mqttPort }
}

describe('an agent with an uplink to an IoT Hub', () => {
  it('that is killed at any moment, as is the hub, loses no reading and doubles none in effect', async () => {
    const hub = await TestHub.open(bench)
    const { agent, mqttPort } = await processOf({ uplink: await hub.uplink() })
    const devices = await Promise.all(
      ['d1', 'd2'].map((name) => bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', name))),
    )
    const baseMs = Math.floor((Date.now() - 7_200_000) / lengthMs) * lengthMs
    let over = false
    const publishing = devices.map(async (device) => {
      let seq = 0
      for (; !over; seq++) {
        await device.send({ ts: baseMs + seq * 500, seq, boot: 'a', readings: { temperature: seq / 10 } })
        await delay(2)
      }
      await device.send({ ts: baseMs + 7_000_000, seq, boot: 'a', readings: { temperature: 0 } })
    })
    const checkpoints = (async () => {
      while (!over) {
        await agent.json('/api/status?devices=1').catch(() => undefined)
        await delay(20)
      }
    })()
    for (let kill = 0; kill < 4; kill++) {
      await delay(400 + Math.random() * 800)
      await agent.kill()
      if (kill === 2) await hub.stop()
      await agent.start()
      await hub.start()
    }
    // A minute of event time of each, however slow this machine is.
    await until(() => devices.every(({ acknowledged }) => acknowledged.length > 120), { withinMs: 60_000 })
    over = true
    await Promise.all([...publishing, checkpoints])
    await agent.json('/api/status?devices=1')
    const status = async () => (await agent.json('/api/status')) as AgentStatus
    await until(async () => (await status()).spool.outboxMessages === 0, { withinMs: 60_000, everyMs: 200 })
    const ingest = await hub.ingest()
    const problems: string[] = []
    for (const [key, readings] of expectedWindows(devices, lengthMs)) {
      if (key.endsWith(`/${Math.floor((baseMs + 7_000_000) / lengthMs) * lengthMs}`)) continue
      const count = ingest.rows.get(key)?.count
      if (count !== readings.size) problems.push(`${key}: expected ${readings.size} readings, got ${count}`)
    }
    expect({ problems, breaches: ingest.balance() }).toEqual({ problems: [], breaches: [] })
    expect(ingest.rows.size).toBeGreaterThan(4)
    expect((await status()).unaccounted).toBe(0)
  })
})

describe('an agent that speaks MQTT alone', () => {
  it('loads nothing of the SDK for IoT Hub', async () => {
    const { port: cloudPort } = await bench.broker()
    const trace = (await bench.folder()).concat('/loaded.mjs')
    const { writeFile } = await import('node:fs/promises')
    const code = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        const found = next(name, context)
        if (/azure/i.test(found.url)) process.stderr.write('LOADED ' + found.url + '\\n')
        return found
      } })`
    await writeFile(trace, code)
    const { agent, mqttPort } = await processOf({ cloudPort })
    await agent.kill()
    await agent.start({ NODE_OPTIONS: `--import ${trace}` })
    const device = await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'd1'))
    await device.send({ ts: Date.now(), seq: 0, boot: 'a', readings: { temperature: 1 } })
    expect(agent.errors).not.toContain('LOADED')
    const hub = await TestHub.open(bench)
    const other = await processOf({ uplink: await hub.uplink() })
    await other.agent.kill()
    await other.agent.start({ NODE_OPTIONS: `--import ${trace}` })
    await until(() => /LOADED .*azure-iot-device-mqtt/.test(other.agent.errors), { withinMs: 30_000 })
  })
})
