import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Figures } from '../figures.ts'
import { checkAmendedHours } from '../testing/amended-hours.ts'
import { Influxd } from '../testing/influxd.ts'
import { minuteMs, storedRow } from '../testing/rows.ts'
import { stores } from './index.ts'
import { createStatements } from './influxdb-schema.ts'
import { testStore } from './testing/store-contract.ts'

const influxd = new Influxd()
beforeAll(async () => {
  await influxd.start()
})
afterAll(async () => await influxd.dispose())

let databases = 0
const context = { dataDir: '', clock: manualClock(0), log: silentLogger }

async function open(database: string) {
  return await stores.create(
    { type: 'influxdb', url: influxd.url, database, gzip: databases % 2 === 0 } as { type: string },
    context,
  )
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

test('makes its database and policies', async () => {
  await (await open('made')).write({ rows: [storedRow({ start: today })], completeness: [] })
  const answer = JSON.stringify(await influxd.query('SHOW RETENTION POLICIES ON "made"'))
  for (const policy of ['["live","24h0m0s"', '["minute","2160h0m0s"', '["history","0s"'])
    expect(answer).toContain(policy)
})

test('a policy of another duration is named and left alone, and nothing is written until it is put right', async () => {
  await influxd.query('CREATE DATABASE "kept"')
  await influxd.query('CREATE RETENTION POLICY "minute" ON "kept" DURATION 7d REPLICATION 1')
  const store = await open('kept')
  const batch = { rows: [storedRow({ start: today })], completeness: [] }
  await expect(store.write(batch)).rejects.toThrow(/"minute" of "kept" keeps 168h0m0s, where 90d is needed/)
  const policies = JSON.stringify(await influxd.query('SHOW RETENTION POLICIES ON "kept"'))
  expect(policies).toContain('["minute","168h0m0s"')
  expect(policies).not.toContain('"live"')
  await influxd.query('ALTER RETENTION POLICY "minute" ON "kept" DURATION 90d')
  expect(await store.write(batch)).toEqual([])
})

test('a measurement whose field has another type is named and left alone', async () => {
  await open('typed').then((store) => store.write({ rows: [storedRow({ start: today })], completeness: [] }))
  await influxd.query('DROP SERIES FROM "summary_1m"')
  const line = `summary_10m,device=x,site=y,metric=z count=1.5 ${today}`
  await fetch(`${influxd.url}/write?db=typed&rp=minute&precision=ms`, { method: 'POST', body: line })
  const store = await open('typed')
  const refused = /"count" of its measurement "summary_10m" in "typed" is float, where integer is needed/
  await expect(store.write({ rows: [storedRow({ start: today })], completeness: [] })).rejects.toThrow(refused)
})

test('with authentication: wrong secrets hold, and are read again once they are put right', async () => {
  const guarded = await new Influxd({ admin: { name: 'admin', password: 'admin-secret' } }).start()
  const files = { password: join(guarded.folder, 'password') }
  const secret = (text: string) => writeFileSync(files.password, `${text}\n`, { mode: 0o600 })
  try {
    secret('wrong')
    const settings = { type: 'influxdb', url: guarded.url, username: 'writer', passwordFile: files.password }
    const store = await stores.create({ ...settings, database: 'telemetry' } as { type: string }, context)
    const batch = { rows: [storedRow({ start: today })], completeness: [] }
    await expect(store.write(batch)).rejects.toThrow(/401/)
    await guarded.query('CREATE USER "writer" WITH PASSWORD \'writer-secret\'')
    await expect(store.write(batch)).rejects.toThrow(/401/)
    secret('writer-secret')
    await expect(store.write(batch)).rejects.toThrow(/403/)
    for (const statement of createStatements('telemetry')) await guarded.query(statement)
    await guarded.query('GRANT ALL ON "telemetry" TO "writer"')
    expect(await store.write(batch)).toEqual([])
    const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: today + minuteMs }
    expect((await store.readRows('minutes', [range]))[0]).toHaveLength(1)
    await store.writeFigures?.(figures)
    await guarded.query('REVOKE ALL ON "telemetry" FROM "writer"')
    await expect(store.write(batch)).rejects.toThrow(/403/)
    await guarded.query('GRANT ALL ON "telemetry" TO "writer"')
    expect(await store.write(batch)).toEqual([])
  } finally {
    await guarded.dispose()
  }
})

const site = {
  ...{ site: 'north', accepted: 12, closed: 7, open: 1, duplicate: 1, tooLate: 1, invalid: 1, dropped: 1, qos0: 0 },
  ...{ unaccounted: 0, sent: 7, held: 7, refused: 0, mismatch: 0 },
}
const figures: Figures = {
  ...{ atMs: Date.now(), endOfHourMs: today, sites: [site] },
  stages: [
    { stage: 'agent-collect', site: 'north', agent: 'edge', perSecond: 3, total: 12, up: 1 },
    { stage: 'ingest-spool', bytes: 4096, maxBytes: 8192, latencyMs: 1.5 },
  ],
}

test('figures are points with the types that the page of measurements tells', async () => {
  const store = await open('figures')
  await store.writeFigures!(figures)
  await store.writeFigures!({ ...figures, atMs: figures.atMs + 1, endOfHourMs: undefined, sites: [] })
  const select =
    'SELECT * FROM "live"."accounts"; SELECT * FROM "history"."accounts_1h"; SELECT * FROM "live"."pipeline"'
  const { results } = (await influxd.query(select, 'figures')) as { results: { series: { values: unknown[][] }[] }[] }
  expect(results.map(({ series }) => series[0]!.values.length)).toEqual([1, 1, 4])
  const keys = JSON.stringify(await influxd.query('SHOW FIELD KEYS ON "figures" FROM "live"./.*/'))
  for (const name of ['accepted', 'mismatch', 'bytes', 'total', 'up']) expect(keys).toContain(`["${name}","integer"]`)
  for (const name of ['perSecond', 'latencyMs']) expect(keys).toContain(`["${name}","float"]`)
  await expect(
    (await open('figures')).write({ rows: [storedRow({ start: today })], completeness: [] }),
  ).resolves.toEqual([])
})

test('hostile texts and numbers read back as they were written', async () => {
  const store = await open('hostile')
  const units = ['°C', 'a"b', 'a\\', '\\"', 'a,b=c d', "'; DROP DATABASE hostile", '𝄞\u200b', '"', ' ', '\\\\n', '#,']
  const numbers = [-0, 5e-324, 1e100, -1.7e308, 0.1 + 0.2, 2 ** 53, 1e21, -1e-7, 123456789012345680000, 1 / 3]
  const rows = units.map((unit, index) => {
    const value = numbers[index % numbers.length]!
    return { ...storedRow({ start: today - index * minuteMs }), unit, first: value, sum: value, increase: value }
  })
  expect(await store.write({ rows, completeness: [] })).toEqual([])
  const range = { site: 'north', device: 'pump', metric: 'temperature', from: 0, to: today + minuteMs }
  const found = (await store.readRows('minutes', [range]))[0]!.reverse()
  expect(found).toEqual(rows)
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

test('hours and days are right after every amendment of a minute', async () => {
  await checkAmendedHours({ store: await open('amended'), nowMs: today, messages: 40 })
})
