import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
