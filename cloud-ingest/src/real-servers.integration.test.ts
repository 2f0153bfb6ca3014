import { freePort, recordingLogger, until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Influxd } from './testing/influxd.ts'
import { checkLostSpool } from './testing/lost-spool.ts'
import { Mosquitto } from './testing/mosquitto.ts'
import { minuteMs } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000
let influxd: Influxd
let mosquitto: Mosquitto
let stack: Stack
const log = recordingLogger()

beforeEach(async () => {
  influxd = await new Influxd().start()
  mosquitto = await new Mosquitto().start()
  const stores = [{ type: 'duckdb' }, { type: 'influxdb', url: influxd.url }]
  stack = await new Stack({ brokerPort: mosquitto.port, stores, log }).start()
})
afterEach(async () => {
  await stack.stop()
  await mosquitto.close()
  await influxd.dispose()
})

const rows = (from: number, count: number) => {
  return Array.from({ length: count }, (_, index) => ({
    start: hour + (from + index) * minuteMs,
    values: [from + index, 1 / 3],
  }))
}

async function bothEqual(step: string): Promise<number> {
  const answers = await Promise.all(
    ['duckdb', 'influxdb'].map(async (store) => (await stack.summaries({ store, step, sketch: 1 })).summaries),
  )
  expect(answers[1]).toEqual(answers[0])
  return answers[0]!.length
}

test('both stores show the same rows, hours and completeness', async () => {
  const boots = [{ device: 'pump', boot: null, start: hour, firstSeq: 1, lastSeq: 9, messages: 8 }]
  await stack.send({ rows: rows(0, 30), boots })
  await stack.send({ seq: 1, agent: 'edge-2', spool: 'spool-b', rows: rows(20, 20), sent: { pump: 40 } })
  await stack.send({ seq: 1, rows: [{ start: hour, rev: 1, values: [7, 8, 9] }], sent: { pump: 61 } })
  await stack.receipted(1)
  await until(() => stack.receipts.some(({ receipt }) => receipt.spool === 'spool-b'))
  expect((await stack.stored()).total).toMatchObject({ held: 101, refused: 0, mismatch: 0 })
  expect(await bothEqual('1m')).toBe(40)
  await until(async () => (await stack.summaries({ store: 'influxdb', step: '1h' })).summaries[0]?.count === 101)
  await until(async () => (await stack.summaries({ store: 'duckdb', step: '1h' })).summaries[0]?.count === 101)
  expect(await bothEqual('1h')).toBe(1)
  await until(async () => (await stack.summaries({ store: 'influxdb', step: '1d' })).summaries.length > 0)
  const completeness = await Promise.all(
    ['duckdb', 'influxdb'].map((store) => stack.get(`/api/completeness?from=${hour}&to=${hour + 1}&store=${store}`)),
  )
  expect(completeness[1]).toEqual(completeness[0])
  expect(completeness[0]).toMatchObject({ devices: [{ messages: 8, missing: 1 }] })
})

test('a store that is away holds neither receipts nor the other store, is named, and catches up', async () => {
  await influxd.kill()
  for (let seq = 0; seq < 5; seq++) await stack.send({ seq, rows: rows(seq * 10, 10), sent: { pump: (seq + 1) * 20 } })
  await stack.receipted(4)
  await until(async () => (await stack.accounts()).stores[0]!.behind === 0)
  expect((await stack.summaries()).summaries).toHaveLength(50)
  const reasons = () => stack.get('/readyz') as Promise<{ ok: boolean; reasons: string[] }>
  const named = new RegExp(`store influxdb: .*${influxd.url}.*stores\\[\\]\\.url`)
  await until(async () => named.test((await reasons()).reasons.join()), { withinMs: 40_000, label: 'its name' })
  expect((await reasons()).ok).toBe(true)
  expect((await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/completeness?store=influxdb`)).status).toBe(503)
  const complaints = () =>
    log.lines.filter(({ level, message }) => level === 'warn' && message.includes(influxd.url)).length
  const before = complaints()
  await influxd.start()
  await stack.stored()
  expect(await bothEqual('1m')).toBe(50)
  await until(async () => (await reasons()).reasons.length === 0)
  expect([before, complaints()]).toEqual([1, 1])
})

test('a broker killed with everything it held loses nothing that an agent repeats', async () => {
  await stack.send({ seq: 0, rows: rows(0, 10) })
  await stack.receipted(0)
  await mosquitto.kill()
  stack.receipts.length = 0
  await mosquitto.start()
  await stack.receipted(0)
  await stack.send({ seq: 0, rows: rows(0, 10) })
  await stack.send({ seq: 1, rows: rows(10, 10), sent: { pump: 40 } })
  await stack.receipted(1)
  expect((await stack.stored()).total).toMatchObject({ held: 40, conflicts: 0, mismatch: 0 })
})

test('an InfluxDB that was never there: the ingest runs, and says which setting it is', async () => {
  await stack.stopIngest()
  const nowhere = `http://127.0.0.1:${await freePort()}`
  Object.assign(stack.options, { stores: [{ type: 'influxdb', url: nowhere }] })
  await stack.startIngest()
  const ready = async () => (await stack.get('/readyz')) as { ok: boolean; reasons: string[] }
  expect((await ready()).ok).toBe(false)
  await until(async () => (await ready()).reasons.join().includes(nowhere))
  await stack.send({ seq: 0, rows: rows(0, 1) })
  await stack.receipted(0)
  expect((await ready()).reasons.join()).toContain(nowhere)
  expect((await ready()).reasons.join()).toContain('stores[].url')
})

test('after the spool was lost, revisions in InfluxDB go on from those that are stored', async () => {
  await stack.stopIngest()
  Object.assign(stack.options, { stores: [{ type: 'influxdb', url: influxd.url }] })
  await stack.startIngest()
  await checkLostSpool(stack, hour)
})
