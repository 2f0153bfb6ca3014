import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Device, expectedWindows } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { agentConfig, Bench, brokerAt, freePort } from './testing/fixture.ts'
import { seededRandom } from './testing/seeded-random.ts'

/** A hundred by command; CI has time for a few. */
const rounds = Number(process.env.MILLRACE_FILL_ROUNDS ?? 2)
const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const lengthMs = 10_000
const metrics = Array.from({ length: 10 }, (_, index) => `m${index}`)
const baseMs = Math.floor((Date.now() - 86_000_000) / lengthMs) * lengthMs
let bench: Bench

beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

interface Status {
  spool: { full: boolean; outboxMessages: number; movedAside: unknown; name: string }
  unaccounted: number
}

/** The agent as users run it, its data on a small disk of its own, which the kernel removes with the process. */
async function agentOnSmallDisk(cloudPort: number) {
  const folder = await bench.folder()
  const [httpPort, mqttPort, disk] = [await freePort(), await freePort(), join(folder, 'disk')]
  await mkdir(disk)
  // A quota that the disk never reaches.
  const config = agentConfig({ dataDir: join(disk, 'agent'), cloudPort, mqttPort, spool: { maxBytes: '32MiB' } })
  const file = join(folder, 'agent.yaml')
  await writeFile(file, JSON.stringify({ ...config, http: { port: httpPort } }))
  const command = `mount -t tmpfs -o size=20m none ${disk} && exec ${process.execPath} ${main} --config ${file}`
  const child = spawn('unshare', ['-rm', 'sh', '-c', command], { stdio: 'ignore' })
  bench.onClose(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const ask = async (path: string) => await (await fetch(`http://127.0.0.1:${httpPort}${path}`)).json()
  const status = async () => (await ask('/api/status')) as Status
  await until(() => status().catch(() => undefined), { withinMs: 20_000, label: 'the agent' })
  return { status, ready: () => ask('/readyz'), mqttPort, child }
}

describe('a disk that is full, emptied and full again', () => {
  it(`refuses each time and goes on by itself, and nothing acknowledged is lost (${rounds} times)`, async () => {
    const cloudPort = await freePort()
    const { status, ready, mqttPort, child } = await agentOnSmallDisk(cloudPort)
    const { name } = (await status()).spool
    const device = await bench.add(new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', 'd1'))
    const ingest = await bench.add(new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }))
    const random = seededRandom(1)
    let seq = 0
    const send = async () => {
      const objects = Array.from({ length: 100 }, () => ({
        ts: baseMs + seq * 100,
        seq: seq++,
        boot: 'a',
        readings: Object.fromEntries(metrics.map((metric) => [metric, random()])),
      }))
      await device.send(...objects)
    }
    for (let round = 0; round < rounds; round++) {
      let sending = true
      const isFull = async () => (await status()).spool.full
      const filled = (async () => {
        while (sending) await send()
      })()
      await until(isFull, { withinMs: 60_000, label: `a full disk in round ${round}` })
      sending = false
      const cloud = await brokerAt(cloudPort)
      await cloud.listen()
      await filled
      const drained = async () => !(await isFull()) && (await status()).spool.outboxMessages === 0
      await until(drained, { withinMs: 60_000, label: `an empty outbox in round ${round}` })
      await cloud.close()
    }
    const cloud = await brokerAt(cloudPort)
    bench.onClose(() => cloud.close())
    await cloud.listen()
    const closing = baseMs + Math.ceil((seq * 100) / lengthMs + 6) * lengthMs
    expect(closing, 'too much was sent for the past it has').toBeLessThan(Date.now())
    await device.send({ ts: closing, seq: 1e9, boot: 'a', readings: { m0: 0 } })
    const expected = [...expectedWindows([device], lengthMs)].filter(([key]) => !key.endsWith(`/${closing}`))
    const problems = () => expected.filter(([key, readings]) => ingest.rows.get(key)?.count !== readings.size)
    await until(() => problems().length === 0, { withinMs: 120_000, label: 'every window' }).catch(async (cause) => {
      const [missing, reasons] = [problems().map(([key]) => key), await ready()]
      throw new Error(JSON.stringify({ seq, missing: missing.slice(0, 20), reasons, status: await status() }), {
        cause,
      })
    })
    expect(ingest.balance()).toEqual([])
    expect(await status()).toMatchObject({ unaccounted: 0, spool: { movedAside: null, name } })
    expect(child.exitCode).toBeNull()
  })
})
