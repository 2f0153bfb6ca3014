import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { minuteMs, summariesBody } from '../cloud-ingest/src/testing/rows.ts'
import { type AccountsResponse, cloudTopic, type SummariesResponse } from '../packages/contracts/src/index.ts'
import { freePort, until } from '../packages/pipeline/testing/index.ts'
import { type Broker, createBroker, createMqttLink, type MqttLink } from '../packages/transports/src/index.ts'

const ingestMain = join(import.meta.dirname, '../cloud-ingest/src/main.ts')
const cliMain = join(import.meta.dirname, '../packages/cli/src/main.ts')
const preload = `--import ${new URL('../mutants/load.ts', import.meta.url).href}`
const baseMs = Math.floor(Date.now() / minuteMs) * minuteMs - 30 * minuteMs
let folder: string
let broker: Broker
let agent: MqttLink
let ingest: ChildProcess
let url: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-replay-'))
  broker = await createBroker({ host: '127.0.0.1', port: 0 })
  const brokerUrl = `mqtt://127.0.0.1:${(await broker.listen()).port}`
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const collect = { type: 'mqtt', url: brokerUrl }
  const config = { dataDir: join(folder, 'data'), collect, stores: [{ type: 'duckdb' }], http: { port } }
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify(config))
  agent = createMqttLink({ url: brokerUrl, clientId: 'agent-by-hand' })
  await agent.start()
})
afterEach(async () => {
  await end()
  await agent.stop()
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

const get = async <Answer>(path: string) => (await (await fetch(`${url}${path}`)).json()) as Answer

/** The ingest as it is, or as a build that refuses rows of three readings. */
async function start(mutant = ''): Promise<void> {
  const env = { ...process.env, ...(mutant && { NODE_OPTIONS: preload, MILLRACE_MUTANT: mutant }) }
  ingest = spawn(process.execPath, [ingestMain, '--config', join(folder, 'ingest.yaml')], { stdio: 'ignore', env })
  const ready = async () => (await get<{ reasons: string[] }>('/readyz')).reasons.length === 0
  await until(() => ready().catch(() => false), { withinMs: 60_000, label: 'a ready ingest' })
}

async function end(): Promise<void> {
  if (ingest.exitCode !== null || ingest.signalCode !== null) return
  const ended = once(ingest, 'exit')
  ingest.kill('SIGKILL')
  await ended
}

async function replay(): Promise<{ letters: { replayed: boolean }[] }> {
  const args = [cliMain, 'dead-letters', 'replay', 'bad-body', '--all', '--json', '--at', 'ingest', '--url', url]
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) => error)
  return JSON.parse(stdout)
}

async function figures() {
  const { total, stores } = await get<AccountsResponse>('/api/accounts')
  const { sent, held, refused, mismatch } = total
  return { sent, held, refused, mismatch, behind: stores[0]!.behind }
}

async function rows(step: string): Promise<number[]> {
  const query = `site=north&device=pump&metric=temperature&from=0&to=4102444800000&step=${step}`
  return (await get<SummariesResponse>(`/api/summaries?${query}`)).summaries.map(({ count }) => count)
}

it('rows that an earlier build refused are in the store once the letter is replayed: counted once, however often', async () => {
  await start('sound-row-refused')
  const specs = [1, 2, 3, 4, 5].map((values, minute) => {
    return { start: baseMs + minute * minuteMs, values: values === 2 ? [1, 2, 3, 4, 5] : [1, 2, 3] }
  })
  const body = Buffer.from(JSON.stringify(summariesBody({ rows: specs })))
  await agent.publish({ topic: cloudTopic({ site: 'north', agent: 'edge', kind: 'summaries' }), body })
  await until(async () => (await figures()).refused === 12, { withinMs: 20_000, label: 'the refusals' })
  await until(async () => (await rows('1m')).length === 1, { withinMs: 20_000, label: 'the row that was taken' })
  expect((await replay()).letters).toMatchObject([{ replayed: false }])

  await end()
  await start()
  expect(await figures()).toMatchObject({ sent: 17, held: 5, refused: 12, mismatch: 0 })
  expect((await replay()).letters).toMatchObject([{ replayed: true }])
  await until(async () => (await rows('1m')).length === 5, { withinMs: 20_000, label: 'all rows' })
  expect(await rows('1m')).toEqual([3, 5, 3, 3, 3])
  const inHours = async () => (await rows('1h')).reduce((sum, count) => sum + count, 0)
  await until(async () => (await inHours()) === 17, { withinMs: 20_000, label: 'the hours' })
  expect(await figures()).toEqual({ sent: 17, held: 17, refused: 0, mismatch: 0, behind: 0 })

  expect((await replay()).letters).toEqual([])
  await agent.publish({ topic: cloudTopic({ site: 'north', agent: 'edge', kind: 'summaries' }), body })
  await end()
  await start()
  expect(await figures()).toEqual({ sent: 17, held: 17, refused: 0, mismatch: 0, behind: 0 })
  expect(await rows('1m')).toEqual([3, 5, 3, 3, 3])
  expect((await get<AccountsResponse>('/api/accounts')).stores[0]!.unaccounted).toBe(0)
})
