import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { telemetryFilters } from '@millrace/contracts'
import { writeClockFile } from '@millrace/pipeline'
import { freePort, until } from '@millrace/pipeline/testing'
import { createMqttLink, type MqttLink } from '@millrace/transports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SentMessage } from './sent-message.ts'
import { objectsOf, type Wire } from './testing.ts'

const main = join(import.meta.dirname, 'main.ts')

let folder: string
let ledger: string
let port: number
let mosquitto: ChildProcess
let link: MqttLink
let received: Wire['received']
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simulate-'))
  ledger = join(folder, 'ledger')
  port = await freePort()
  const config = join(folder, 'mosquitto.conf')
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`)
  mosquitto = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
  received = []
  link = createMqttLink({ url: `mqtt://127.0.0.1:${port}`, clientId: 'receiver' })
  link.subscribe([...telemetryFilters], ({ topic, body }) => received.push({ topic, body: Buffer.from(body) }))
  const ready = new Promise<void>((resolve) => link.onConnect(resolve))
  await link.start()
  await ready
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await link.stop()
  mosquitto.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

function simulate(...args: string[]) {
  const address = ['--url', `mqtt://127.0.0.1:${port}`, '--ledger', ledger]
  const child = spawn(process.execPath, [main, ...address, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  return { child, exit: once(child, 'exit').then(([code]) => code as number | null), output: () => output }
}

async function recount() {
  const child = spawn(process.execPath, [main, '--recount', '--ledger', ledger], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SentMessage & { end?: true; messages?: number })
  return { code, end: lines.at(-1)!, messages: lines.slice(0, -1) }
}

const told = ({ site, device, ts, seq, boot, readings }: SentMessage) =>
  JSON.stringify([`telemetry/${site}/${device}`, ts, seq ?? null, boot ?? null, readings])
const arrived = () =>
  objectsOf(received).map(({ topic, ts, seq, boot, readings }) =>
    JSON.stringify([topic, ts, seq ?? null, boot ?? null, readings]),
  )

describe('the simulator against Mosquitto', () => {
  it('after kill -9 in the middle of history and of the live part, tells of everything that arrived', async () => {
    for (const history of ['15m', '0s', '0s']) {
      const { child, exit, output } = simulate('--devices', '40', '--rate', '5', '--history', history)
      await until(() => output().split('acknowledged').length > 3)
      child.kill('SIGKILL')
      await exit
    }
    const { messages, end, code } = await recount()
    expect({ code, ...end }).toMatchObject({
      code: 0,
      end: true,
      runs: 3,
      reproducible: true,
      messages: messages.length,
    })
    const possible = new Set(messages.map(told))
    const strangers = arrived().filter((object) => !possible.has(object))
    expect(strangers).toEqual([])
    const here = new Set(arrived())
    const promised = messages.filter(({ acked }) => acked)
    expect(promised.length).toBeGreaterThan(1_000)
    expect(promised.filter((message) => !here.has(told(message)))).toEqual([])
  })

  it('starts a held clock once the history is acknowledged, runs its duration and ends by itself', async () => {
    const clock = join(folder, 'clock.json')
    const atMs = Date.now() - 3_600_000
    writeClockFile(clock, { mode: 'held', atMs })
    const { exit } = simulate('--clock', clock, '--clock-run', 'speed=60', '--history', '10m', '--duration', '2m')
    expect(await exit).toBe(0)
    expect(JSON.parse(readFileSync(clock, 'utf8'))).toMatchObject({ mode: 'running', fromMs: atMs, speed: 60 })
    const { messages } = await recount()
    await until(() => arrived().length === messages.length)
    expect(new Set(arrived())).toEqual(new Set(messages.map(told)))
    const times = messages.map(({ ts }) => ts!)
    expect(Math.min(...times)).toBeLessThan(atMs - 598_000)
    expect(Math.max(...times)).toBeGreaterThan(atMs + 118_000)
    expect(Math.max(...times)).toBeLessThanOrEqual(atMs + 120_000)
  })

  it('stops on SIGTERM within the time of any service, with its ledger closed', async () => {
    const { child, exit, output } = simulate()
    await until(() => /acknowledged [1-9]/.test(output()))
    child.kill('SIGTERM')
    // 1 after five seconds.
    expect(await exit).toBe(0)
    expect(JSON.parse(readFileSync(join(ledger, 'run-0.json'), 'utf8'))).toMatchObject({ ended: true, repeats: 0 })
  })

  it('replays a recording, says what it could not read, and ends', async () => {
    const map = join(import.meta.dirname, '../maps/library-motes.yaml')
    const recording = join(folder, 'recording.txt')
    const rows = Array.from(
      { length: 500 },
      (_none, n) => `${1_163_438_041_250 + n * 997} ${n % 7} ${n} 21,5 2,8 51,5 22 20 28`,
    )
    writeFileSync(recording, [...rows, 'the logger was restarted here', ''].join('\n'))
    const { exit, output } = simulate('--replay', recording, '--map', map, '--at', 'original')
    expect(await exit).toBe(0)
    expect(output()).toContain('501 lines: 500 messages with 3000 readings, 1 unparsable')
    expect(output()).toContain('line 501: 5 columns instead of 9')
    const { messages } = await recount()
    await until(() => arrived().length === 500)
    expect(new Set(arrived())).toEqual(new Set(messages.map(told)))
  })
})
