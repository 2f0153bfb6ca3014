import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountsResponse, cloudTopic } from '@millrace/contracts'
import { freePort, until } from '@millrace/pipeline/testing'
import { createBroker, createMqttLink } from '@millrace/transports'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Influxd } from '../cloud-ingest/src/testing/influxd.ts'
import { minuteMs, summariesBody } from '../cloud-ingest/src/testing/rows.ts'
import { losingBuilds } from './list/losing-builds.ts'

const main = join(import.meta.dirname, '../cloud-ingest/src/main.ts')
const preload = `--import ${new URL('load.ts', import.meta.url).href}`
const baseMs = Math.floor(Date.now() / minuteMs) * minuteMs - 30 * minuteMs
const influxd = new Influxd()

beforeAll(async () => {
  await influxd.start()
})
afterAll(() => influxd.dispose())

/** An ingest that is the named mutant, given ten windows of one reading by one agent and the first of them by another. */
async function start(mutant: string) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-losing-'))
  const broker = await createBroker({ host: '127.0.0.1', port: 0 })
  const url = `mqtt://127.0.0.1:${(await broker.listen()).port}`
  const port = await freePort()
  const database = `losing_${mutant.replaceAll('-', '_')}`
  const stores = [{ type: 'duckdb' }, { type: 'influxdb', url: influxd.url, database }]
  const config = { dataDir: join(folder, 'data'), collect: { type: 'mqtt', url }, stores, http: { port } }
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify(config))
  const env = { ...process.env, NODE_OPTIONS: preload, MILLRACE_MUTANT: mutant }
  const child = spawn(process.execPath, [main, '--config', join(folder, 'ingest.yaml')], { stdio: 'ignore', env })
  const agent = createMqttLink({ url, clientId: 'agents-by-hand' })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await agent.stop()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  await agent.start()
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
  const ready = async () => ((await get('/readyz')) as { reasons: string[] }).reasons.length === 0
  await until(() => ready().catch(() => false), { withinMs: 30_000, label: 'a ready ingest' })
  const send = async (name: string, minutes: number) => {
    const rows = Array.from({ length: minutes }, (_, at) => ({ start: baseMs + at * minuteMs, values: [at] }))
    const body = Buffer.from(JSON.stringify(summariesBody({ agent: name, spool: `spool-${name}`, rows })))
    await agent.publish({ topic: cloudTopic({ site: 'north', agent: name, kind: 'summaries' }), body })
  }
  const accounts = async () => (await get('/api/accounts')) as AccountsResponse
  const taken = async () => {
    const { total, stores } = await accounts()
    return total.sent > 0 && stores.every(({ behind }) => behind === 0)
  }
  await send('edge', 10)
  // Stores that read both messages at once would see the first window through the second: what was skipped is healed.
  await until(taken, { withinMs: 20_000, label: 'the first message in every store' })
  await send('other', 1)
  return { accounts, metrics: () => text(port) }
}

async function text(port: number): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
}

/** Readings that went missing or came twice, by where that shows. */
function differences({ total, stores }: AccountsResponse): Record<string, number> {
  return {
    mismatch: total.mismatch,
    ...Object.fromEntries(stores.map(({ type, unaccounted }) => [type, unaccounted!])),
  }
}

const shownAs: Record<string, Record<string, number>> = {
  'ingest-loses-in-decode': { mismatch: 1, duckdb: 0, influxdb: 0 },
  'ingest-loses-in-the-spool': { mismatch: 1, duckdb: 0, influxdb: 0 },
  'ingest-doubles-in-the-spool': { mismatch: 1, duckdb: 1, influxdb: 1 },
  'ingest-loses-in-the-merge': { mismatch: 0, duckdb: 1, influxdb: 1 },
  'ingest-loses-in-the-feed': { mismatch: 0, duckdb: 1, influxdb: 0 },
  'ingest-skips-in-the-log': { mismatch: 0, duckdb: 2, influxdb: 2 },
  'ingest-loses-in-duckdb': { mismatch: 0, duckdb: 1, influxdb: 0 },
  'ingest-doubles-in-duckdb': { mismatch: 0, duckdb: 1, influxdb: 0 },
  'ingest-loses-in-influxdb': { mismatch: 0, duckdb: 0, influxdb: 1 },
}

describe('an ingest that loses or doubles one reading says so', () => {
  it.each(losingBuilds.filter(({ name }) => name.startsWith('ingest-')))('$name', async ({ name }) => {
    const { accounts } = await start(name)
    const expected = shownAs[name]!
    const shown = async () => JSON.stringify(differences(await accounts())) === JSON.stringify(expected)
    await until(shown, { withinMs: 20_000, label: 'the difference' }).catch(() => undefined)
    expect(differences(await accounts())).toEqual(expected)
  })

  it('an ingest without a fault has compared everything and finds no difference', async () => {
    const { accounts } = await start(process.env.MILLRACE_MUTANT ?? '')
    const all = async () => (await accounts()).stores.every(({ checked, behind }) => behind === 0 && checked! >= 11)
    await until(all, { withinMs: 20_000, label: 'everything compared' })
    expect(differences(await accounts())).toEqual({ mismatch: 0, duckdb: 0, influxdb: 0 })
    expect((await accounts()).total).toMatchObject({ sent: 11, held: 11, missingUpstream: 0 })
  })
})
