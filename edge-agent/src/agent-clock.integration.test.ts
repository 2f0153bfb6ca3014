import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AgentStatus } from './status.ts'
import { AgentProcess } from './testing/agent-process.ts'
import { Device, type DeviceObject, expectedWindows } from './testing/device.ts'
import { FakeIngest } from './testing/fake-ingest.ts'
import { agentConfig, Bench, freePort } from './testing/fixture.ts'

const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((path) => existsSync(path))
if (library === undefined) console.log('skipped: libfaketime is not installed (Debian package libfaketime)')
const lengthMs = 10_000

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})
afterEach(() => bench.close())

/** A real agent whose system clock is what `set` says, in the words of faketime; its monotonic clock is left alone. */
async function agentWithClock() {
  const { port: cloudPort } = await bench.broker()
  const [mqttPort, httpPort] = [await freePort(), await freePort()]
  const folder = await bench.folder()
  const clockFile = join(folder, 'faketime')
  const config = agentConfig({ dataDir: join(folder, 'spool'), cloudPort, mqttPort })
  const agent = await AgentProcess.configure(join(folder, 'agent.yaml'), config, httpPort)
  const environment = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clockFile }
  const own = { FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' }
  const set = (words: string) => writeFileSync(clockFile, `${words}\n`)
  const start = async () => {
    bench.onClose(() => agent.stop())
    await agent.start({ ...environment, ...own })
  }
  const devices = async () => {
    const made = ['a', 'b', 'c', 'bare'].map((name) => new Device(`mqtt://127.0.0.1:${mqttPort}`, 'hall', name))
    return await Promise.all(made.map((device) => bench.add(device)))
  }
  const clock = async () => ((await agent.json('/api/status')) as AgentStatus).clock
  return { start, set, devices, clock, ingest: new FakeIngest({ url: `mqtt://127.0.0.1:${cloudPort}` }) }
}

test.skipIf(library === undefined)(
  'a real agent that starts in 1970, is put right, and steps by a year and back, has no reading in a wrong window',
  async () => {
    const { start, set, devices, clock, ingest } = await agentWithClock()
    await bench.add(ingest)
    set('@1970-01-01 00:10:00')
    await start()
    const fleet = await devices()
    const [bare, ...stamped] = fleet.toReversed()
    let seq = 0
    /** What the device without a time sent, by when, as that is what its windows must hold. */
    const bareAt: number[] = []
    const second = async () => {
      const ts = Date.now()
      const object: DeviceObject = { seq, boot: 'b', readings: { temperature: seq } }
      await Promise.all(stamped.map((device) => device.send({ ...object, ts })))
      await bare!.send(object)
      bareAt.push(ts)
      seq++
      await delay(500)
    }
    for (let n = 0; n < 6; n++) await second()
    expect(await clock()).toMatchObject({ source: 'none', devices: { states: { unknown: 4 } } })
    expect(ingest.rows.size).toBe(0)
    set('+0')
    const sending = async (holds: () => Promise<boolean>, label: string) => {
      const again = async () => {
        await second()
        return await holds()
      }
      await until(again, { withinMs: 60_000, label })
    }
    await sending(async () => (await clock()).source === 'system', 'an anchor')
    set('+365d')
    await sending(async () => (await clock()).disputedMs !== undefined, 'a disputed step')
    set('+0')
    await sending(async () => (await clock()).disputedMs === undefined, 'the end of the dispute')
    expect(await clock()).toMatchObject({ source: 'system', steps: 0, devices: { states: { good: 3, unknown: 1 } } })
    const lastMs = Date.now()
    await Promise.all(
      stamped.map((device) => device.send({ ts: lastMs + 60_000, seq, boot: 'b', readings: { end: 1 } })),
    )
    const expected = [...expectedWindows(stamped, lengthMs)].filter(([key]) => key.includes('/temperature/'))
    const isWhole = ([key, readings]: (typeof expected)[number]) => ingest.rows.get(key)?.count === readings.size
    await until(() => expected.every(isWhole), { withinMs: 30_000, label: 'every window' }).catch(() => undefined)
    for (const [key, readings] of expected) expect([key, ingest.rows.get(key)?.count]).toEqual([key, readings.size])
    const bareRows = [...ingest.rows.values()].filter(({ device }) => device === 'bare')
    expect(bareRows.every(({ count, unstamped }) => count === unstamped)).toBe(true)
    const [from, to] = [bareAt[0]! - lengthMs, lastMs + lengthMs]
    expect(bareRows.filter(({ firstTs, lastTs }) => firstTs < from || lastTs > to)).toEqual([])
  },
)
