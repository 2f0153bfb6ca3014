import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { AlertsResponse } from '@millrace/contracts'
import { checkConfig, dataFolderHeader, dataFolderId, silentLogger, systemClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configSchema } from './config.ts'
import { backUpStopped, restoreStopped } from './stopped.ts'
import { stores } from './store/index.ts'
import { alertOf, alertsBody } from './testing/alerts.ts'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
let folder: string
let file: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-backup-'))
  file = join(folder, 'backup.gz')
  stack = await new Stack().start()
})
afterEach(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
})

const context = () => ({ clock: systemClock, log: silentLogger, file })
const configFor = (dataDir: string, stores: unknown[] = [{ type: 'duckdb' }]) =>
  checkConfig({ dataDir, collect: { type: 'mqtt', url: 'mqtt://127.0.0.1:1' }, stores }, configSchema, 'the test')

const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    start: noon + (from + index) * minuteMs,
    values: [from, index, 1 / 3],
  }))

const backupUrl = () => `http://127.0.0.1:${stack.ingest!.port}/api/backup`
const headers = { 'x-millrace': 'backup' }

/** Once hours are the merge of their minutes. */
async function everything() {
  const { total, devices } = await stack.stored()
  const minutes = await stack.summaries({ sketch: 1 })
  const count = minutes.summaries.reduce((sum, row) => sum + row.count, 0)
  const hours = await until(
    async () => {
      const found = await stack.summaries({ step: '1h', sketch: 1 })
      return found.summaries[0]?.count === count ? found : undefined
    },
    { withinMs: 20_000, label: 'the hour is merged' },
  )
  const completeness = await stack.get('/api/completeness?from=0&to=4102444800000')
  return { total, devices, minutes, hours, completeness: { ...(completeness as object), from: 0 } }
}

async function destroyAndRestore(): Promise<void> {
  await stack.stopIngest()
  rmSync(stack.dataDir, { recursive: true })
  await restoreStopped(configFor(stack.dataDir), context())
  await stack.startIngest()
}

test('what a running ingest backed up is all there after everything was destroyed', async () => {
  const boots = [{ device: 'pump', boot: 'b1', start: noon, firstSeq: 0, lastSeq: 9, messages: 8 }]
  await stack.send({ rows: rows(0, 40), boots })
  await stack.send({ seq: 1, agent: 'edge-2', spool: 'spool-b', rows: rows(30, 20), sent: { pump: 60 } })
  await stack.send({ seq: 1, rows: [{ start: noon, rev: 1, values: [1, 2, 3, 4] }], sent: { pump: 121 } })
  await stack.receipted(1)
  const before = await everything()
  writeFileSync(file, Buffer.from(await (await fetch(backupUrl(), { headers })).arrayBuffer()))
  await destroyAndRestore()
  expect(await everything()).toEqual(before)

  await stack.send({ seq: 2, rows: [{ start: noon, rev: 2, values: [9] }], sent: { pump: 118 } })
  await stack.receipted(2)
  await stack.stored()
  expect((await stack.summaries()).summaries[0]).toMatchObject({ rev: 2, count: 1 })
  expect((await stack.accounts()).total).toMatchObject({ mismatch: 0, conflicts: 0 })
})

test('alerts, and what people said about them, are in a backup', async () => {
  const raised = alertOf({ start: noon })
  await stack.publish({ site: 'north', agent: 'edge', kind: 'alerts' }, alertsBody([raised]))
  await stack.receipted(0)
  const post = async (path: string, body: unknown) => {
    const json = { 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${stack.ingest!.port}${path}`
    expect((await fetch(url, { method: 'POST', headers: json, body: JSON.stringify(body) })).ok).toBe(true)
  }
  await post('/api/alerts/acknowledge', { id: raised.id, note: 'seen', by: 'ann' })
  await post('/api/silences', { match: { rule: 'warm' }, untilMs: Date.now() + 1e9 })
  const shown = async () => ({ ...((await stack.get('/api/alerts')) as AlertsResponse), at: 0 })
  const before = await shown()
  expect(before.alerts).toMatchObject([{ ...raised, acknowledged: { by: 'ann' } }])
  expect(before.alerts[0]!.silencedBy).toBe(before.silences[0]!.id)
  const behind = async () => await (await fetch(backupUrl().replace('api/backup', 'metrics'))).text()
  await until(async () => /store_alerts_behind\{store="duckdb"\} 0/.test(await behind()), { withinMs: 20_000 })
  writeFileSync(file, Buffer.from(await (await fetch(backupUrl(), { headers })).arrayBuffer()))
  await destroyAndRestore()
  expect(await shown()).toEqual(before)
  await stack.stopIngest()
  const store = await stores.create({ type: 'duckdb' }, { ...context(), dataDir: stack.dataDir })
  expect(await store.readAlerts({ from: 0, to: 2 * noon })).toEqual([raised])
  await store.close()
})

test('what comes while a backup is made is neither receipted nor lost', async () => {
  await stack.send({ rows: rows(0, 40) })
  await stack.receipted(0)
  const release = await stack.ingest!.hold()
  await stack.send({ seq: 1, rows: rows(40, 1), sent: { pump: 123 } })
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(stack.receipts.at(-1)!.receipt.upTo).toBe(0)
  release()
  await stack.receipted(1)
  expect((await stack.stored()).total).toMatchObject({ held: 123, mismatch: 0 })
})

test('a page of another site or who means another data folder gets none, and an ingest that stopped in the middle is not held', async () => {
  expect((await fetch(backupUrl())).status).toBe(400)
  expect((await fetch(`${backupUrl()}?store=influxdb`, { headers })).status).toBe(400)
  const other = await fetch(backupUrl(), { headers: { ...headers, [dataFolderHeader]: dataFolderId(folder) } })
  expect([other.status, other.headers.get(dataFolderHeader)]).toEqual([409, dataFolderId(stack.dataDir)])
  await stack.send({ rows: rows(0, 40) })
  await stack.receipted(0)
  const stopping = new AbortController()
  const response = await fetch(backupUrl(), { headers, signal: stopping.signal })
  stopping.abort()
  await response.body?.cancel().catch(() => undefined)
  await stack.send({ seq: 1, rows: rows(40, 1), sent: { pump: 123 } })
  await stack.receipted(1)
})

test('a stopped ingest is backed up from its files', async () => {
  const nowhere = configFor(join(folder, 'nowhere'))
  await expect(backUpStopped(nowhere, { ...context(), store: undefined })).rejects.toThrow(/nothing to back up/)
  await stack.send({ rows: rows(0, 40) })
  await stack.receipted(0)
  const before = await everything()
  await expect(backUpStopped(configFor(stack.dataDir), { ...context(), store: undefined })).rejects.toThrow(/in use/)
  await stack.stopIngest()
  await backUpStopped(configFor(stack.dataDir), { ...context(), store: undefined })
  await destroyAndRestore()
  expect(await everything()).toEqual(before)
})

test('nothing is restored over a spool or rows, nor from a file that is cut, altered or something else', async () => {
  await stack.send({ rows: rows(0, 40) })
  await stack.receipted(0)
  await stack.stored()
  await stack.stopIngest()
  const config = configFor(stack.dataDir)
  await backUpStopped(config, { ...context(), store: undefined })
  await expect(restoreStopped(config, context())).rejects.toThrow(/nothing was restored/)
  rmSync(join(stack.dataDir, 'spool'), { recursive: true })
  await expect(restoreStopped(config, context())).rejects.toThrow(/nothing was restored/)

  const whole = gunzipSync(readFileSync(file)).toString('utf8')
  const lines = whole.trimEnd().split('\n')
  const fresh = configFor(join(folder, 'fresh'))
  const attempts: [string | Buffer, RegExp][] = [
    [gzipSync(lines.slice(0, -1).join('\n')), /not whole/],
    [gzipSync(lines.toSpliced(-2, 1).join('\n')), /it holds .* and says/],
    [gzipSync('{"format":"other"}\n'), /no backup of Millrace/],
    [gzipSync(whole.replace('"version":2', '"version":3')), /version 3/],
    [gzipSync(whole).subarray(0, 200), /cannot be restored/],
    ['text', /cannot be restored/],
  ]
  for (const [content, problem] of attempts) {
    writeFileSync(file, content)
    await expect(restoreStopped(fresh, context())).rejects.toThrow(problem)
  }
  writeFileSync(file, gzipSync(whole))
  await restoreStopped(fresh, context())
})
