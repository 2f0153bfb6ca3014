import { request } from 'node:http'
import type { AlertsResponse, ApiAlert, LiveAlertEvent, Silence } from '@millrace/contracts'
import { manualClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { alertOf, alertsBody } from './testing/alerts.ts'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack({ clock: manualClock(noon + 2 * minuteMs) }).start()
  await stack.publish(topic, alertsBody([raised, alertOf({ device: 'fan' })]))
  await stack.receipted(0)
})
afterEach(async () => await stack.stop())

const topic = { site: 'north', agent: 'edge', kind: 'alerts' } as const
const raised = alertOf()
const json = { 'content-type': 'application/json' }

async function ask(method: string, path: string, { body, headers = json }: { body?: unknown; headers?: object } = {}) {
  const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
  const url = `http://127.0.0.1:${stack.ingest!.port}${path}`
  return await fetch(url, { method, headers: headers as Record<string, string>, ...sent })
}

const list = async () => (await stack.get('/api/alerts')) as AlertsResponse
const pump = async () => (await list()).alerts.find(({ device }) => device === 'pump')!

/** What happens while `work` is done, as a page hears of it. */
async function heard(work: () => Promise<unknown>): Promise<ApiAlert[]> {
  const ending = new AbortController()
  const response = await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/live`, { signal: ending.signal })
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString('utf8')
  })().catch(() => undefined)
  await work()
  await until(() => text.includes('event: alert'))
  ending.abort()
  await reading
  return [...text.matchAll(/event: alert\ndata: (.*)\n/g)].flatMap(
    ([, data]) => (JSON.parse(data!) as LiveAlertEvent).alerts,
  )
}

test('an acknowledgement is shown at once, outlives a restart and a move, and can be taken back', async () => {
  const body = { id: raised.id, note: 'on my way', by: 'ann' }
  const events = await heard(() => ask('POST', '/api/alerts/acknowledge', { body }))
  const acknowledged = { by: 'ann', note: 'on my way', atMs: noon + 2 * minuteMs }
  expect(events).toMatchObject([{ id: raised.id, acknowledged }])
  const moved = alertOf({ start: noon - minuteMs, change: 'moved', movedFrom: raised.id })
  const withdrawn = { ...raised, rev: 1, state: 'withdrawn', change: 'withdrawn' }
  await stack.publish(topic, alertsBody([withdrawn, moved], { seq: 1 }))
  await stack.receipted(1)
  await stack.stopIngest()
  await stack.startIngest()
  const active = (await list()).alerts.filter(({ state }) => state === 'active')
  expect(active.map(({ device, acknowledged: told }) => [device, told?.by])).toEqual([
    ['fan', undefined],
    ['pump', 'ann'],
  ])
  expect((await ask('POST', '/api/alerts/acknowledge', { body: { ...body, undo: true, id: raised.id } })).status).toBe(
    200,
  )
  expect((await pump()).acknowledged).toBeNull()
  expect((await ask('POST', '/api/alerts/acknowledge', { body: { id: 'none' } })).status).toBe(404)
})

test('a silence is shown with the alerts that it matches, outlives a restart, and can be ended', async () => {
  const body = { match: { device: 'pu*' }, untilMs: noon + 60 * minuteMs, reason: 'defrosting' }
  let silence: Silence | undefined
  const events = await heard(async () => {
    silence = (await (await ask('POST', '/api/silences', { body })).json()) as Silence
  })
  expect(silence).toMatchObject({ ...body, fromMs: noon + 2 * minuteMs, by: 'somebody' })
  expect(events.map(({ device, silencedBy }) => [device, silencedBy])).toEqual([['pump', silence!.id]])
  await stack.stopIngest()
  await stack.startIngest()
  expect((await list()).silences).toEqual([silence])
  expect((await pump()).silencedBy).toBe(silence!.id)
  expect((await ask('DELETE', `/api/silences/${silence!.id}`)).status).toBe(204)
  expect((await ask('DELETE', `/api/silences/${silence!.id}`, { headers: {} })).status).toBe(404)
  expect((await pump()).silencedBy).toBeNull()
})

test('wrong bodies are answered with everything that is wrong in them', async () => {
  for (const body of [
    { match: { odd: 1 }, untilMs: 1 },
    { match: {}, untilMs: 'later' },
    { match: {}, untilMs: 9e15 },
    [],
    '{',
    'null',
    '',
  ])
    expect((await ask('POST', '/api/silences', { body })).status).toBe(400)
  for (const body of [{}, { id: 3 }, { id: raised.id, note: 'x'.repeat(2_000) }, { id: raised.id, odd: 1 }])
    expect((await ask('POST', '/api/alerts/acknowledge', { body })).status).toBe(400)
  expect((await list()).silences).toEqual([])
})

/** With a name of the host that fetch would not let us give. */
async function askAs(host: string): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const target = { host: '127.0.0.1', port: stack.ingest!.port, path: '/api/alerts/acknowledge', method: 'POST' }
  const sent = request({ ...target, headers: { ...json, host } }, ({ statusCode }) => resolve(statusCode))
  sent.end(JSON.stringify({ id: raised.id }))
  return await promise
}

test('a page of another site, or behind a name that it points here, changes nothing', async () => {
  const own = `http://127.0.0.1:${stack.ingest!.port}`
  const body = { id: raised.id, note: 'gone' }
  const attempts: object[] = [
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/x-www-form-urlencoded' },
    {},
    { ...json, origin: 'https://evil.example' },
    { ...json, origin: 'null' },
    { ...json, origin: 'http://127.0.0.1:1' },
    { ...json, 'sec-fetch-site': 'cross-site' },
    { ...json, 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of attempts)
    expect((await ask('POST', '/api/alerts/acknowledge', { body, headers })).status, JSON.stringify(headers)).toBe(403)
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])
    expect((await ask('DELETE', '/api/silences/any', { headers })).status).toBe(403)
  expect(await askAs('evil.example')).toBe(421)
  expect((await pump()).acknowledged).toBeNull()
  const headers = { ...json, origin: own, 'sec-fetch-site': 'same-origin' }
  expect((await ask('POST', '/api/alerts/acknowledge', { body, headers })).status).toBe(200)
})
