import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { AlertsResponse, LiveAlertEvent } from '@millrace/contracts'
import { manualClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertOf, alertsBody } from './testing/alerts.ts'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack({ clock: manualClock(noon + 2 * minuteMs) }).start()
})
afterEach(async () => await stack.stop())

const topic = { site: 'north', agent: 'edge', kind: 'alerts' } as const
const raised = alertOf()
const cleared = alertOf({ rev: 1, change: 'cleared', state: 'cleared', end: noon + minuteMs })

async function alerts(query = ''): Promise<AlertsResponse['alerts']> {
  return ((await stack.get(`/api/alerts${query}`)) as AlertsResponse).alerts
}

async function deadLetters() {
  return ((await stack.get('/api/status')) as { deadLetters: { reason: string; letters: number }[] }).deadLetters
}

test('alerts of an agent are receipted, kept and shown; the newest revision stands whatever comes after', async () => {
  await stack.publish(topic, alertsBody([raised]))
  await stack.receipted(0)
  expect(await alerts()).toMatchObject([{ ...raised, acknowledged: null, silencedBy: null }])
  await stack.publish(topic, alertsBody([cleared], { seq: 1 }))
  await stack.publish(topic, alertsBody([raised], { seq: 2 }))
  await stack.publish(topic, alertsBody([raised]))
  await stack.receipted(2)
  await stack.stopIngest()
  await stack.startIngest()
  expect(await alerts()).toMatchObject([cleared])
  expect(await deadLetters()).toEqual([])
})

test('a known number with other bytes is a conflict, and what is no alert leaves its neighbours', async () => {
  await stack.publish(topic, alertsBody([raised]))
  await stack.receipted(0)
  await stack.publish(topic, alertsBody([cleared]))
  const foreign = alertOf({ device: 'fan', site: 'south' })
  const cloud = alertOf({ device: 'fan', owner: 'cloud' })
  const elsewhere = alertOf({ device: 'fan', id: `warm/south/fan/temperature/${noon}` })
  const good = alertOf({ device: 'valve' })
  const bad = [foreign, cloud, elsewhere, { ...good, start: 1.5 }, { ...good, state: 'odd' }, null, 'text']
  await stack.publish(topic, alertsBody([...bad, good], { seq: 1 }))
  await stack.publish(topic, { ...alertsBody([], { seq: 2 }), alerts: 'none' })
  await stack.receipted(2)
  expect((await alerts()).map(({ device, state }) => [device, state]).sort()).toEqual([
    ['pump', 'active'],
    ['valve', 'active'],
  ])
  const letters = await deadLetters()
  expect(letters.find(({ reason }) => reason === 'conflict')).toMatchObject({ letters: 1 })
  expect(letters.find(({ reason }) => reason === 'bad-body')).toBeDefined()
})

test('the list is filtered, newest first, with active alerts always in it', async () => {
  const old = Array.from({ length: 5 }, (_, index) => {
    const start = noon - (index + 1) * 3_600_000
    return alertOf({ start, state: 'cleared', change: 'cleared', end: start + minuteMs })
  })
  const longActive = alertOf({ device: 'fan', start: noon - 10 * 3_600_000, severity: 'critical' })
  await stack.publish(topic, alertsBody([...old, longActive, raised]))
  await stack.receipted(0)
  const starts = async (query: string) => (await alerts(query)).map(({ start }) => (noon - start) / 3_600_000)
  expect(await starts('')).toEqual([0, 1, 2, 3, 4, 5, 10])
  expect(await starts('?limit=2')).toEqual([0, 1, 2, 10])
  expect(await starts('?state=cleared')).toEqual([1, 2, 3, 4, 5])
  expect(await starts(`?from=${noon - 2 * 3_600_000 + minuteMs}&to=${noon}`)).toEqual([0, 1, 2, 10])
  expect(await starts('?device=fan')).toEqual([10])
  expect(await starts('?severity=critical&rule=warm')).toEqual([10])
  expect(await starts('?site=south')).toEqual([])
  expect((await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/alerts?state=odd&limit=-1`)).status).toBe(400)
  for (const path of [encodeURIComponent(raised.id), raised.id])
    expect(await stack.get(`/api/alerts/${path}`)).toMatchObject(raised)
  expect((await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/alerts/none`)).status).toBe(404)
})

test('pages hear of alerts as they change, and stores get them', async () => {
  const ending = new AbortController()
  const response = await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/live?site=north`, { signal: ending.signal })
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString('utf8')
  })().catch(() => undefined)
  const events = () =>
    [...text.matchAll(/event: alert\ndata: (.*)\n/g)].map(([, data]) => JSON.parse(data!) as LiveAlertEvent)
  await stack.publish(topic, alertsBody([raised]))
  await until(() => events().length === 1)
  await stack.publish(topic, alertsBody([raised]))
  await stack.publish(topic, alertsBody([cleared], { seq: 1 }))
  await until(() => events().length === 2)
  ending.abort()
  await reading
  expect(events()).toMatchObject([
    { site: 'north', alerts: [raised] },
    { site: 'north', alerts: [cleared] },
  ])
})

test('a thousand alerts at once are one message of each step and are all there', async () => {
  const many = Array.from({ length: 1_000 }, (_, index) => alertOf({ device: `d${index}`, message: 'warm' }))
  for (let part = 0; part < 5; part++)
    await stack.publish(topic, alertsBody(many.slice(part * 200, part * 200 + 200), { seq: part }))
  await stack.receipted(4)
  expect(new Set((await alerts()).map(({ id }) => id)).size).toBe(1_000)
})

test('a spool from before there were alerts gets their tables', async () => {
  await stack.stopIngest()
  const database = new DatabaseSync(join(stack.dataDir, 'spool', 'spool.db'))
  for (const table of ['alerts', 'kept_values']) database.exec(`DROP TABLE ${table}`)
  database.close()
  await stack.startIngest()
  await stack.publish(topic, alertsBody([raised]))
  await stack.receipted(0)
  expect(await alerts()).toMatchObject([raised])
})
