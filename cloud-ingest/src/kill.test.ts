import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type AccountsResponse, cloudTopic, type Receipt, type SummariesResponse } from '@millrace/contracts'
import { freePort, until } from '@millrace/pipeline/testing'
import { createBroker, createMqttLink } from '@millrace/transports'
import { afterEach, expect, test } from 'vitest'
import { minuteMs, noon, type RowSpec, summariesBody } from './testing/rows.ts'

const main = join(import.meta.dirname, 'main.ts')
const dataDir = mkdtempSync(join(tmpdir(), 'millrace-kill-'))
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup()
  rmSync(dataDir, { recursive: true, force: true })
})

const kills = 5
const messages = 60
const windowsPerMessage = 40

/** Message k revises windows of message k - 1, so that order and repeats could show. */
function rowsOf(seq: number): RowSpec[] {
  const fresh = Array.from({ length: windowsPerMessage }, (_, index) => {
    return { start: noon + (seq * windowsPerMessage + index) * minuteMs, values: [seq, index] }
  })
  const revised =
    seq === 0 ? [] : [{ start: noon + (seq - 1) * windowsPerMessage * minuteMs, rev: 1, values: [seq - 1, 0, 100] }]
  return [...fresh, ...revised]
}

function sentUpTo(seq: number): number {
  return (seq + 1) * windowsPerMessage * 2 + seq
}

test('killed at any moment, the ingest loses nothing it has receipted and counts nothing twice', async () => {
  const broker = await createBroker({ host: '127.0.0.1', port: 0 })
  const brokerPort = (await broker.listen()).port
  const port = await freePort()
  const config = join(dataDir, 'ingest.yaml')
  const url = `mqtt://127.0.0.1:${brokerPort}`
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: join(dataDir, 'data'),
      collect: { type: 'mqtt', url },
      stores: [{ type: 'duckdb' }],
      http: { port },
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
  cleanups.push(() => broker.close(), kill)

  const missing = new Set(Array.from({ length: messages }, (_, seq) => seq))
  const agent = createMqttLink({ url, clientId: 'agent-by-hand' })
  cleanups.push(() => agent.stop())
  const settle = ({ upTo, ranges }: Receipt) => {
    for (const seq of missing)
      if (seq <= upTo || ranges.some(([from, to]) => seq >= from && seq <= to)) missing.delete(seq)
  }
  const send = (seq: number) => {
    const body = Buffer.from(JSON.stringify(summariesBody({ seq, rows: rowsOf(seq), sent: { pump: sentUpTo(seq) } })))
    void agent
      .publish({ topic: cloudTopic({ site: 'north', agent: 'edge', kind: 'summaries' }), body })
      .catch(() => undefined)
  }
  agent.subscribe(['millrace/v1/+/+/receipt'], ({ body }) => settle(JSON.parse(Buffer.from(body).toString('utf8'))))
  await agent.start()

  /** Newest first and a few at a time, as agents do; once a receipt says so, never again. */
  const repeat = () => [...missing].slice(-8).forEach(send)
  const ending = new AbortController()
  const sending = (async () => {
    while (missing.size > 0 && !ending.signal.aborted) {
      repeat()
      await delay(120)
    }
  })()
  cleanups.push(async () => {
    ending.abort()
    await sending
  })

  const get = async (path: string) =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).json().catch(() => undefined)
  const up = async () => await get('/healthz').catch(() => undefined)
  for (let times = 0; times < kills; times++) {
    await until(up, { withinMs: 30_000, label: 'the ingest is up' })
    await delay(Math.random() * 150)
    await kill()
    start()
  }
  await until(() => missing.size === 0, { withinMs: 30_000, label: 'everything is receipted' })
  const stored = async () => {
    const accounts = (await get('/api/accounts').catch(() => undefined)) as AccountsResponse | undefined
    return accounts?.stores.every(({ behind }) => behind === 0) ? accounts : undefined
  }
  const { total } = (await until(stored, { withinMs: 20_000 }))!
  expect(total).toMatchObject({
    ...{ held: sentUpTo(messages - 1), refused: 0, conflicts: 0 },
    ...{ deadLetters: 0, missingUpstream: 0, mismatch: 0 },
  })
  const query = 'site=north&device=pump&metric=temperature&from=0&to=4102444800000'
  const { summaries } = (await get(`/api/summaries?${query}`)) as SummariesResponse
  expect(summaries).toHaveLength(messages * windowsPerMessage)
  expect(new Set(summaries.map(({ start: at }) => at)).size).toBe(messages * windowsPerMessage)
  const revised = summaries.filter((row) => row.count === 3)
  expect(revised).toHaveLength(messages - 1)
  expect(revised.every(({ max, first }, index) => max === 100 && first === index)).toBe(true)
})
