import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccountsResponse, SummariesResponse } from '@millrace/contracts'
import { freePort, until } from '@millrace/pipeline/testing'
import { afterEach, expect, test } from 'vitest'
import { Hub, HubIngest, summaries, telemetry } from './testing/hub.ts'
import { minuteMs, noon, type RowSpec } from './testing/rows.ts'

const main = join(import.meta.dirname, 'main.ts')
const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const kills = 3
const messages = 45
const windowsPerMessage = 20
const agents = ['edge-1', 'edge-2', 'edge-3']

/** Message k revises a window of message k - 1, so that order and repeats could show. */
function rowsOf(device: string, seq: number): RowSpec[] {
  const fresh = Array.from({ length: windowsPerMessage }, (_, index) => {
    return { device, start: noon + (seq * windowsPerMessage + index) * minuteMs, values: [seq, index] }
  })
  const start = noon + (seq - 1) * windowsPerMessage * minuteMs
  return seq === 0 ? fresh : [...fresh, { device, start, rev: 1, values: [seq - 1, 0, 100] }]
}

const sentUpTo = (seq: number) => (seq + 1) * windowsPerMessage * 2 + seq

test('an ingest killed at any moment, and a hub that is away in between, lose nothing and count nothing twice', async () => {
  const hub = await new Hub({ partitions: 4 }).start()
  const port = await freePort()
  const folder = new HubIngest(hub.connectionString())
  cleanups.push(
    () => hub.end(),
    () => folder.end(),
  )
  const file = join(folder.dataDir, 'ingest.yaml')
  writeFileSync(file, JSON.stringify({ ...folder.config, http: { port } }))
  let child: ChildProcess
  const start = () => {
    child = spawn(process.execPath, [main, '--config', file], { stdio: 'ignore' })
  }
  const kill = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  start()
  cleanups.push(kill)
  const get = async (path: string) =>
    await (await fetch(`http://127.0.0.1:${port}${path}`)).json().catch(() => undefined)
  const accounts = async () => (await get('/api/accounts').catch(() => undefined)) as AccountsResponse | undefined
  const held = async () => (await accounts())?.total.held ?? 0

  let appended = 0
  const append = async (count: number) => {
    for (; count > 0 && appended < messages; count--, appended++) {
      const seq = appended
      const bodies = agents.map((agent) => {
        return summaries({ agent, seq, rows: rowsOf(agent, seq), sent: { [agent]: sentUpTo(seq) } })
      })
      await hub.events.append([...bodies, telemetry('edge-1', `no body ${seq}`)])
    }
  }
  for (let times = 0; times < kills; times++) {
    const before = await held()
    await append(messages / kills)
    await until(async () => (await held()) > before, { withinMs: 30_000, label: 'something new is held' })
    await delay(Math.random() * 100)
    await kill()
    if (times === 1) {
      await hub.stop()
      await hub.start()
    }
    start()
  }
  const all = agents.length * sentUpTo(messages - 1)
  const stored = async () => {
    const now = await accounts()
    const done = now?.total.held === all && now.total.deadLetters >= messages
    return done && now.stores.every(({ behind }) => behind === 0) ? now : undefined
  }
  const { total } = (await until(stored, { withinMs: 40_000, label: 'all is held and stored' }))!
  expect(total).toMatchObject({
    ...{ held: all, refused: 0, conflicts: 0 },
    ...{ deadLetters: messages, missingUpstream: 0, mismatch: 0 },
  })
  for (const device of agents) {
    const query = `site=north&device=${device}&metric=temperature&from=0&to=4102444800000`
    const { summaries: rows } = (await get(`/api/summaries?${query}`)) as SummariesResponse
    expect(rows).toHaveLength(messages * windowsPerMessage)
    const revised = rows.filter((row) => row.count === 3)
    expect(revised).toHaveLength(messages - 1)
    expect(revised.every(({ max, first }, index) => max === 100 && first === index)).toBe(true)
  }
})
