import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { alertOf } from '../testing/alerts.ts'
import { minuteMs, noon, storedRow } from '../testing/rows.ts'
import { stores } from './index.ts'
import { testStore } from './testing/store-contract.ts'

const dayMs = 86_400_000

async function open(dataDir: string, clock = manualClock(noon)) {
  return await stores.create({ type: 'duckdb' }, { dataDir, clock, log: silentLogger })
}

testStore('DuckDB', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-duckdb-'))
  let store = await open(dataDir)
  return {
    store,
    async reopen() {
      await store.close()
      store = await open(dataDir)
      return store
    },
    async dispose() {
      await store.close()
      rmSync(dataDir, { recursive: true })
    },
  }
})

describe('the file of the embedded store', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-duckdb-'))
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))

  test('one that is no DuckDB file is named, refused and left as it was', async () => {
    const file = join(dataDir, 'telemetry.duckdb')
    writeFileSync(file, 'these are somebody’s notes\n'.repeat(1000))
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'store-foreign', message: expect.stringContaining(file) })
    expect(readFileSync(file, 'utf8')).toContain('somebody’s notes')
  })

  async function withTables(sql: string): Promise<void> {
    const instance = await DuckDBInstance.create(join(dataDir, 'telemetry.duckdb'))
    const connection = await instance.connect()
    await connection.run(sql)
    connection.closeSync()
    instance.closeSync()
  }

  test('tables of another program are refused', async () => {
    await withTables('CREATE TABLE customers (name VARCHAR)')
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'store-foreign' })
  })

  test('another version is named and refused', async () => {
    await (await open(dataDir)).close()
    await withTables('UPDATE millrace_file SET version = 99')
    await expect(open(dataDir)).rejects.toMatchObject({
      code: 'store-foreign',
      message: expect.stringMatching(/version 99.*version 1/),
    })
  })

  /** A file as it stands while its store is open: the newest rows are in its log alone. */
  async function unclosed(spoil: (log: Buffer) => Buffer): Promise<void> {
    const other = mkdtempSync(join(tmpdir(), 'millrace-duckdb-'))
    const store = await open(other)
    for (const minute of [0, 1, 2]) {
      await store.write({ rows: [storedRow({ start: noon + minute * minuteMs })], completeness: [] })
    }
    const [from, to] = [join(other, 'telemetry.duckdb'), join(dataDir, 'telemetry.duckdb')]
    copyFileSync(from, to)
    writeFileSync(`${to}.wal`, spoil(readFileSync(`${from}.wal`)))
    await store.close()
    rmSync(other, { recursive: true })
  }

  const tears: [string, (log: Buffer) => Buffer, number][] = [
    ['the last entry in part', (log) => Buffer.concat([log.subarray(0, -100), Buffer.alloc(100)]), 2],
    ['a hole, and what follows it', (log) => Buffer.from(log).fill(0, log.byteLength - 350, log.byteLength - 250), 2],
    ['room for more, and nothing in it', (log) => Buffer.concat([log, Buffer.alloc(300)]), 3],
    ['fewer bytes than there were', (log) => log.subarray(0, -10), 2],
  ]

  test.each(tears)('a log of which the disk has %s is read up to there', async (_name, spoil, readable) => {
    await unclosed(spoil)
    const torn = readFileSync(join(dataDir, 'telemetry.duckdb.wal'))
    const store = await open(dataDir)
    const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: noon * 2 }
    expect((await store.readRows('minutes', [range]))[0]).toHaveLength(readable)
    await store.write({ rows: [storedRow({ start: noon + 9 * minuteMs })], completeness: [] })
    await store.close()
    const kept = join(dataDir, 'telemetry.duckdb.wal.torn')
    if (existsSync(kept)) expect(readFileSync(kept)).toEqual(torn)
    const again = await open(dataDir)
    expect((await again.readRows('minutes', [range]))[0]).toHaveLength(readable + 1)
    await again.close()
  })

  test('the torn log of another program is left as it was', async () => {
    const file = join(dataDir, 'telemetry.duckdb')
    const instance = await DuckDBInstance.create(file)
    const connection = await instance.connect()
    await connection.run('CREATE TABLE customers (name VARCHAR)')
    await connection.run('CHECKPOINT')
    await connection.run("INSERT INTO customers VALUES ('first')")
    const [database, log] = [readFileSync(file), readFileSync(`${file}.wal`)]
    connection.closeSync()
    instance.closeSync()
    writeFileSync(file, database)
    const torn = Buffer.concat([log.subarray(0, -8), Buffer.alloc(8)])
    writeFileSync(`${file}.wal`, torn)
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'store-foreign' })
    expect(readFileSync(`${file}.wal`)).toEqual(torn)
    expect(readFileSync(file)).toEqual(database)
    expect(existsSync(`${file}.wal.torn`)).toBe(false)
  })

  test('what a creation that was cut off left behind is not taken for the store', async () => {
    writeFileSync(join(dataDir, 'telemetry.duckdb.new'), Buffer.alloc(5000))
    writeFileSync(join(dataDir, 'telemetry.duckdb.new.wal'), 'half')
    const store = await open(dataDir)
    await store.write({ rows: [storedRow()], completeness: [] })
    await store.close()
    expect(existsSync(join(dataDir, 'telemetry.duckdb.new'))).toBe(false)
  })

  test('a file from before there were alerts gets their table, and keeps its rows', async () => {
    const row = storedRow({ start: noon })
    const before = await open(dataDir)
    await before.write({ rows: [row], completeness: [] })
    await before.close()
    await withTables('DROP TABLE alert')
    const store = await open(dataDir)
    expect(await store.readAlerts({ from: 0, to: 2 * noon })).toEqual([])
    await store.writeAlerts([alertOf()])
    expect(await store.readAlerts({ from: 0, to: 2 * noon })).toEqual([alertOf()])
    const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: 2 * noon }
    expect((await store.readRows('minutes', [range]))[0]).toHaveLength(1)
    await store.close()
  })

  test('retention counts from when a row was written, so an old recording survives', async () => {
    const clock = manualClock(noon)
    const store = await open(dataDir, clock)
    const old = storedRow({ start: noon - 3000 * dayMs })
    await store.write({ rows: [old], completeness: [] })
    clock.advance(80 * dayMs)
    const later = storedRow({ start: noon + minuteMs })
    await store.write({ rows: [later], completeness: [] })
    const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: noon * 2 }
    await store.expire()
    expect((await store.readRows('minutes', [range]))[0]).toHaveLength(2)
    clock.advance(11 * dayMs)
    await store.expire()
    expect((await store.readRows('minutes', [range]))[0]!.map(({ start }) => start)).toEqual([later.start])
    await store.close()
  })
})
