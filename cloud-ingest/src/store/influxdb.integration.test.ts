import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Influxd } from '../testing/influxd.ts'
import { minuteMs, storedRow } from '../testing/rows.ts'
import { stores } from './index.ts'
import { testStore } from './testing/store-contract.ts'

const influxd = new Influxd()
beforeAll(async () => {
  await influxd.start()
})
afterAll(async () => await influxd.dispose())

let databases = 0
const context = { dataDir: '', clock: manualClock(0), log: silentLogger }

async function open(database: string) {
  return await stores.create({ type: 'influxdb', url: influxd.url, database } as { type: string }, context)
}

testStore('InfluxDB', async () => {
  const database = `contract-${databases++}`
  return {
    store: await open(database),
    reopen: async () => await open(database),
    dispose: async () => void (await influxd.query(`DROP DATABASE "${database}"`)),
  }
})

const today = Math.floor(Date.now() / 3_600_000) * 3_600_000

test('makes its database and policies, and leaves a policy alone that is already there', async () => {
  await influxd.query('CREATE DATABASE "made"')
  await influxd.query('CREATE RETENTION POLICY "minute" ON "made" DURATION 7d REPLICATION 1')
  await (await open('made')).write({ rows: [storedRow({ start: today })], completeness: [] })
  const answer = JSON.stringify(await influxd.query('SHOW RETENTION POLICIES ON "made"'))
  expect(answer).toMatch(/\["live","24h0m0s".*\["minute","168h0m0s"|\["minute","168h0m0s".*\["live","24h0m0s"/)
  expect(answer).toContain('["history","0s"')
})

test('rows beyond the retention are refused by name, however they lie among good ones', async () => {
  const store = await open('old')
  const old = (index: number) => today - (91 * 24 * 60 + index) * minuteMs
  const rows = Array.from({ length: 12_000 }, (_, index) => {
    return storedRow({ start: index % 1000 === 7 ? old(index) : today - index * minuteMs, values: [index] })
  })
  const refusals = await store.write({ rows, completeness: [] })
  expect(refusals.map(({ row }) => row.start)).toEqual(
    rows.filter((_, index) => index % 1000 === 7).map(({ start }) => start),
  )
  expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set(['beyond-retention']))
  const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: today + minuteMs }
  expect((await store.readRows('minutes', [range]))[0]).toHaveLength(12_000 - 12)
})

test('a whole batch beyond the retention is refused at once', async () => {
  const store = await open('older')
  const rows = Array.from({ length: 5_000 }, (_, index) => storedRow({ start: index * minuteMs }))
  const began = performance.now()
  expect(await store.write({ rows, completeness: [] })).toHaveLength(5_000)
  expect(performance.now() - began).toBeLessThan(5_000)
})

test('a dropped database is made again, and a server that is down is named by its setting', async () => {
  const store = await open('dropped')
  const batch = { rows: [storedRow({ start: today })], completeness: [] }
  await store.write(batch)
  await influxd.query('DROP DATABASE "dropped"')
  await expect(store.write(batch)).rejects.toThrow(/404/)
  expect(await store.write(batch)).toEqual([])
  await influxd.kill()
  await expect(store.write(batch)).rejects.toThrow(influxd.url)
  await expect(store.readRows('minutes', [{ ...batch.rows[0]!, from: 0, to: 1 }])).rejects.toThrow(/stores\[\]\.url/)
  await influxd.start()
  expect(await store.write(batch)).toEqual([])
})
