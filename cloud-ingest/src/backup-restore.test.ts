import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { checkConfig, systemClock as clock, silentLogger as log, UsageError } from '@millrace/pipeline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { restore } from './backup/restore.ts'
import { backupStream } from './backup/write.ts'
import { configSchema } from './config.ts'
import { startIngest } from './pipeline.ts'
import { backUpStopped } from './stopped.ts'
import { openStores } from './store/open-stores.ts'
import type { Store, StoreBatch } from './stored.ts'
import { minuteMs, noon, storedRow } from './testing/rows.ts'

let folder: string
let dataDir: string
let stores: Map<string, Store>
const config = () =>
  checkConfig(
    { dataDir, collect: { type: 'mqtt', url: 'mqtt://127.0.0.1:1' }, stores: [{ type: 'duckdb' }] },
    configSchema,
    'the test',
  )
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-restore-'))
  dataDir = join(folder, 'data')
  stores = await openStores(config(), { clock, log })
})
afterEach(async () => {
  for (const store of stores.values()) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const batch = (index: number): StoreBatch => ({
  rows: [storedRow({ start: noon + index * minuteMs })],
  completeness: [],
})

/** A backup with this spool and three rows from this minute on. */
async function backupOf(name: string, spool: Buffer, from: number): Promise<string> {
  const file = join(folder, name)
  const stream = backupStream({
    ...{ store: 'duckdb', atMs: noon, dataDir: folder },
    copySpoolTo: (copy) => writeFile(copy, spool),
    async *readAllAlerts() {
      yield []
    },
    async *readAll() {
      for (let index = from; index < from + 3; index++) yield batch(index)
    },
  })
  await pipeline(stream, createWriteStream(file))
  return file
}

const starts = async () => {
  const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: noon * 2 }
  const [rows] = await stores.get('duckdb')!.readRows('minutes', [range])
  return rows!.map(({ start }) => (start - noon) / minuteMs)
}

const into = (writable = stores) => ({ dataDir, stores: writable, log })

/** The store breaks off after this many batches. */
function breakingOff(after: number): Map<string, Store> {
  const store = stores.get('duckdb')!
  let left = after
  const write = async (rows: StoreBatch) => {
    if (left-- === 0) throw new Error('the power went')
    return await store.write(rows)
  }
  return new Map([['duckdb', { ...store, write, series: () => store.series() } as Store]])
}

const usageOf = async (work: Promise<unknown>) => {
  const error = await work.catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  return error as UsageError
}

const spoolFile = () => join(dataDir, 'spool', 'spool.db')
const marker = () => join(dataDir, 'restore-begun')

test('a backup that is cut off or whose counts differ changes nothing', async () => {
  const file = await backupOf('a', Buffer.from('spool a'), 0)
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
  for (const kept of [lines.slice(0, -1), lines.slice(0, -3), lines.toSpliced(-2, 1), lines.toSpliced(1, 1)]) {
    writeFileSync(file, gzipSync(`${kept.join('\n')}\n`))
    await expect(restore(file, into())).rejects.toThrow(/cannot be restored/)
  }
  writeFileSync(file, gzipSync(lines.join('\n')).subarray(0, -20))
  await expect(restore(file, into())).rejects.toThrow(/cannot be restored/)
  expect([await starts(), existsSync(marker()), existsSync(join(dataDir, 'spool'))]).toEqual([[], false, false])
})

test('an interrupted restore goes on with the same backup only, and nothing starts on its half', async () => {
  const first = await backupOf('a', Buffer.from('spool a'), 0)
  const second = await backupOf('b', Buffer.from('spool b'), 7)
  await expect(restore(first, into(breakingOff(2)))).rejects.toThrow(/the power went/)
  expect(await starts()).toEqual([0, 1])

  const refused = await usageOf(restore(second, into()))
  expect(refused.problems).toMatchObject([{ path: 'dataDir', found: `a part of ${first} in ${dataDir}` }])
  const started = await usageOf(startIngest(config(), { clock, log }))
  expect(started).toMatchObject({ message: 'a restore was interrupted here', exitCode: 2 })
  await usageOf(backUpStopped(config(), { clock, log, file: join(folder, 'c'), store: undefined }))
  expect([await starts(), existsSync(spoolFile())]).toEqual([[0, 1], false])

  const moved = join(folder, 'moved')
  writeFileSync(moved, readFileSync(first))
  expect(await restore(moved, into())).toMatchObject({ rows: 3, refused: 0 })
  expect(await starts()).toEqual([0, 1, 2])
  expect([readFileSync(spoolFile(), 'utf8'), existsSync(marker())]).toEqual(['spool a', false])
})

test('one that ended between the spool and its marker may be repeated', async () => {
  const file = await backupOf('a', Buffer.from('spool a'), 0)
  await expect(restore(file, into(breakingOff(1)))).rejects.toThrow()
  writeFileSync(spoolFile(), 'spool a')
  await restore(file, into())
  expect([await starts(), existsSync(marker())]).toEqual([[0, 1, 2], false])
})

test('a marker that does not say which backup it was is nobody’s', async () => {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(marker(), '/backups/some.millrace-backup\n')
  const refused = await usageOf(restore(await backupOf('a', Buffer.from('spool a'), 0), into()))
  expect(refused.problems).toMatchObject([{ found: `a part of another backup in ${dataDir}` }])
})

test('what SQLite left beside a spool is a spool as well', async () => {
  const file = await backupOf('a', Buffer.from('spool a'), 0)
  mkdirSync(join(dataDir, 'spool'), { recursive: true })
  for (const name of ['spool.db', 'spool.db-wal', 'spool.db-shm']) {
    const left = join(dataDir, 'spool', name)
    writeFileSync(left, '')
    expect((await usageOf(restore(file, into()))).problems[0]!.found).toContain(name)
    rmSync(left)
  }
  await restore(file, into())
})
