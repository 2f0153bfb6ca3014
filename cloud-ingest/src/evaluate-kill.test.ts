import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AlertsResponse, cloudTopic, type Receipt } from '@millrace/contracts'
import { freePort, until } from '@millrace/pipeline/testing'
import { createBroker, createMqttLink } from '@millrace/transports'
import { afterEach, expect, test } from 'vitest'
import { minuteMs, type RowSpec, summariesBody } from './testing/rows.ts'

const main = join(import.meta.dirname, 'main.ts')
const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-rules-'))
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
  rmSync(folder, { recursive: true, force: true })
})

const kills = 6
const devices = 40
const messages = 24
const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 2 * 3_600_000

/** Each minute one more device goes bad for three minutes, so that something is raised or cleared in every message. */
function rowsOf(seq: number): RowSpec[] {
  return Array.from({ length: devices }, (_, index) => {
    const since = seq - (index % (messages - 4))
    const value = since >= 0 && since < 3 ? 30 : 10
    return { device: `d${index}`, start: hour + seq * minuteMs, values: [value] }
  })
}

interface Told {
  key: string
  kind: string
}

async function hook(): Promise<{ url: string; told: Told[] }> {
  const told: Told[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const { items } = JSON.parse(text) as { items: Told[] }
      told.push(...items.map(({ key, kind }) => ({ key, kind })))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(async () => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, told }
}

test('killed at any moment, the rules of the cloud raise and clear every alert once, and every one is told', async () => {
  const broker = await createBroker({ host: '127.0.0.1', port: 0 })
  const url = `mqtt://127.0.0.1:${(await broker.listen()).port}`
  cleanups.push(() => broker.close())
  const { url: hookUrl, told } = await hook()
  const port = await freePort()
  mkdirSync(join(folder, 'rules'))
  const rule = { id: 'warm', at: 'cloud', kind: 'threshold', select: { metric: 'temperature' }, above: 20, for: '2m' }
  writeFileSync(join(folder, 'rules', 'rules.yaml'), JSON.stringify({ rules: [rule] }))
  const config = join(folder, 'ingest.yaml')
  const channel = { type: 'webhook', name: 'hook', url: hookUrl, maxPerMinute: 10_000, groupWait: 0, groupEvery: 0 }
  writeFileSync(
    config,
    JSON.stringify({
      ...{
        dataDir: join(folder, 'data'),
        collect: { type: 'mqtt', url },
        stores: [{ type: 'duckdb' }],
        http: { port },
      },
      ...{ rules: join(folder, 'rules'), notify: { channels: [channel] } },
    }),
  )
  let child: ChildProcess
  const start = () => {
    child = spawn(process.execPath, [main, '--config', config], { stdio: 'ignore' })
  }
  const kill = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  start()
  cleanups.push(kill)

  let receipted = -1
  const agent = createMqttLink({ url, clientId: 'agent-by-hand' })
  cleanups.push(() => agent.stop())
  agent.subscribe(['millrace/v1/+/+/receipt'], ({ body }) => {
    receipted = Math.max(receipted, (JSON.parse(Buffer.from(body).toString('utf8')) as Receipt).upTo)
  })
  await agent.start()
  const send = (seq: number) => {
    const body = Buffer.from(JSON.stringify(summariesBody({ seq, rows: rowsOf(seq) })))
    void agent
      .publish({ topic: cloudTopic({ site: 'north', agent: 'edge', kind: 'summaries' }), body })
      .catch(() => undefined)
  }
  const ending = new AbortController()
  const sending = (async () => {
    for (let seq = 0; seq < messages && !ending.signal.aborted; ) {
      send(seq)
      await delay(150)
      if (receipted >= seq) seq = receipted + 1
    }
  })()
  cleanups.push(async () => {
    ending.abort()
    await sending
  })
  const get = async (path: string) =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).json().catch(() => undefined)
  for (let times = 0; times < kills; times++) {
    await until(async () => await get('/healthz').catch(() => undefined), { withinMs: 30_000 })
    await delay(Math.random() * 900)
    await kill()
    start()
  }
  await until(() => receipted === messages - 1, { withinMs: 40_000, label: 'everything is receipted' })
  const cleared = async () => {
    const answer = (await get('/api/alerts').catch(() => undefined)) as AlertsResponse | undefined
    const over = answer?.alerts.filter(({ state }) => state === 'cleared')
    return over?.length === devices ? answer!.alerts : undefined
  }
  const alerts = (await until(cleared, { withinMs: 30_000, label: 'every alert is raised and cleared' }))!
  expect(alerts).toHaveLength(devices)
  expect(alerts.every(({ start: at, end }) => end! - at === 3 * minuteMs)).toBe(true)
  const kindsOf = (id: string) => new Set(told.filter(({ key }) => key.startsWith(`${id}#`)).map(({ kind }) => kind))
  const isTold = (id: string) => kindsOf(id).has('passed') || (kindsOf(id).has('raised') && kindsOf(id).has('cleared'))
  await until(() => alerts.every(({ id }) => isTold(id)), { withinMs: 30_000, label: 'every alert is told' })
  expect(new Set(told.map(({ key }) => key.split('#')[0]))).toEqual(new Set(alerts.map(({ id }) => id)))
})
