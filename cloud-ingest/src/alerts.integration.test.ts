import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertOf, alertsBody } from './testing/alerts.ts'
import { Influxd } from './testing/influxd.ts'
import { Mosquitto } from './testing/mosquitto.ts'
import { minuteMs } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000
const rule = { id: 'warm', at: 'cloud', kind: 'threshold', select: { metric: 'temperature' }, above: 20, for: '2m' }
let influxd: Influxd
let mosquitto: Mosquitto
let stack: Stack

beforeEach(async () => {
  influxd = await new Influxd().start()
  mosquitto = await new Mosquitto().start()
  const stores = [{ type: 'duckdb' }, { type: 'influxdb', url: influxd.url }]
  stack = await new Stack({ brokerPort: mosquitto.port, stores, rules: { 'rules.yaml': { rules: [rule] } } }).start()
})
afterEach(async () => {
  await stack.stop()
  await mosquitto.close()
  await influxd.dispose()
})

interface Answer {
  results: { series?: { columns: string[]; values: unknown[][] }[] }[]
}

/** Points of the measurement, by id. */
async function points(): Promise<Map<string, Record<string, unknown>>> {
  const select = 'SELECT * FROM "history"."alert"'
  const { results } = (await influxd.query(select, 'telemetry').catch(() => ({ results: [] }))) as Answer
  const [series] = results[0]?.series ?? []
  const rows = (series?.values ?? []).map((row) =>
    Object.fromEntries(series!.columns.map((name, at) => [name, row[at]])),
  )
  return new Map(rows.map((row) => [String(row.id), row]))
}

const minutes = (from: number, ...means: number[]) =>
  means.map((mean, index) => ({ start: hour + (from + index) * minuteMs, values: [mean] }))

test('alerts of the cloud and of the edge are points in InfluxDB, and go on from one revision to the next', async () => {
  const own = alertOf({ start: hour + minuteMs, rule: 'edge-warm', agent: null, value: null })
  await stack.publish({ site: 'north', agent: 'edge', kind: 'alerts' }, alertsBody([own]))
  await stack.send({ seq: 1, rows: minutes(0, 10, 25, 30) })
  await stack.receipted(1)
  const both = await until(async () => ((await points()).size === 2 ? await points() : undefined), { withinMs: 20_000 })
  expect(both!.get(own.id)).toMatchObject({ device: 'pump', metric: 'temperature', owner: 'edge', end: 0, agent: '' })
  const id = `warm/north/pump/temperature/${hour + minuteMs}`
  expect(both!.get(id)).toMatchObject({
    site: 'north',
    owner: 'cloud',
    state: 'active',
    end: 0,
    value: 30,
    threshold: 20,
  })
  const keys = JSON.stringify(await influxd.query('SHOW TAG KEYS FROM "history"."alert"', 'telemetry'))
  expect([...keys.matchAll(/\["(\w+)"\]/g)].map(([, key]) => key)).toEqual(['tagKey', 'device', 'metric', 'site'])
  await stack.send({ seq: 2, rows: minutes(3, 10) })
  await until(async () => (await points()).get(id)?.state === 'cleared', { withinMs: 20_000 })
  expect(await points()).toHaveProperty('size', 2)
  expect((await points()).get(id)).toMatchObject({ end: hour + 3 * minuteMs })
})

test('an InfluxDB that is away delays neither alerts nor the other store, and gets the newest of each', async () => {
  await influxd.kill()
  const many = Array.from({ length: 300 }, (_, index) => alertOf({ start: hour, device: `d${index}`, message: 'warm' }))
  await stack.publish({ site: 'north', agent: 'edge', kind: 'alerts' }, alertsBody(many.slice(0, 150)))
  await stack.publish({ site: 'north', agent: 'edge', kind: 'alerts' }, alertsBody(many.slice(150), { seq: 1 }))
  await stack.send({ seq: 2, rows: minutes(0, 25, 30, 10) })
  await stack.receipted(2)
  await until(async () => (await stack.alerts()).length === 301, { withinMs: 20_000 })
  const cleared = many.map((alert) => ({ ...alert, rev: 1, state: 'cleared', change: 'cleared', end: hour + minuteMs }))
  const topic = { site: 'north', agent: 'edge', kind: 'alerts' } as const
  await stack.publish(topic, alertsBody(cleared.slice(0, 100), { seq: 3 }))
  await stack.receipted(3)
  await influxd.start()
  const states = async () => [...(await points()).values()].map(({ state }) => state)
  await until(async () => (await states()).length === 301, { withinMs: 45_000, label: 'InfluxDB has every alert' })
  expect((await states()).filter((state) => state === 'cleared')).toHaveLength(101)
})
