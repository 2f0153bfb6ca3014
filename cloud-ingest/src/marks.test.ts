import type { Mark, MarksResponse } from '@millrace/contracts'
import { maxMarks } from '@millrace/contracts'
import { manualClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack({ clock: manualClock(noon) }).start()
})
afterEach(async () => await stack.stop())

const json = { 'content-type': 'application/json' }
const url = (path: string) => `http://127.0.0.1:${stack.ingest!.port}${path}`

async function post(body: unknown, headers: Record<string, string> = json): Promise<Response> {
  return await fetch(url('/api/marks'), { method: 'POST', headers, body: JSON.stringify(body) })
}

const list = async (query = '') => ((await stack.get(`/api/marks${query}`)) as MarksResponse).marks

test('a mark is told to every page, outlives a restart, and ends when it is posted again', async () => {
  const ending = new AbortController()
  const response = await fetch(url('/api/live?site=elsewhere'), { signal: ending.signal })
  let heard = ''
  const listening = (async () => {
    for await (const chunk of response.body!) heard += Buffer.from(chunk).toString('utf8')
  })().catch(() => undefined)
  const begun = await post({ kind: 'deployment', text: 'version 2', to: null })
  const mark = (await begun.json()) as Mark
  expect([begun.status, mark]).toEqual([
    201,
    { id: expect.any(String), kind: 'deployment', text: 'version 2', from: noon, to: null },
  ])
  await until(() => heard.includes(`event: mark\ndata: ${JSON.stringify(mark)}\n`))
  ending.abort()
  await listening
  await stack.stopIngest()
  await stack.startIngest()
  expect(await list()).toEqual([mark])
  await post({ ...mark, to: noon + minuteMs })
  expect(await list()).toEqual([{ ...mark, to: noon + minuteMs }])
})

test('a span gives the marks that touch it: those that go on, and moments at its edges', async () => {
  await post({ id: 'moment', text: 'restarted' })
  await post({ id: 'past', text: 'earlier', from: noon - 9 * minuteMs, to: noon - 5 * minuteMs })
  await post({ id: 'on', text: 'still', from: noon - 7 * minuteMs, to: null })
  const ids = async (from: number, to: number) => (await list(`?from=${from}&to=${to}`)).map(({ id }) => id)
  expect(await ids(noon, noon)).toEqual(['on', 'moment'])
  expect(await ids(noon + 1, noon + minuteMs)).toEqual(['on'])
  expect(await ids(noon - 6 * minuteMs, noon - 5 * minuteMs)).toEqual(['past', 'on'])
  expect(await ids(noon - 20 * minuteMs, noon - 10 * minuteMs)).toEqual([])
  expect((await list()).map(({ id, kind }) => `${kind} ${id}`)).toEqual(['note past', 'note on', 'note moment'])
})

test('only the newest marks are kept, whoever floods', async () => {
  for (let n = 0; n < maxMarks + 20; n += 60)
    await Promise.all(Array.from({ length: 60 }, (_none, at) => post({ id: `m${n + at}`, text: 'x', from: n + at })))
  const kept = await list()
  expect(kept.length).toBe(maxMarks)
  expect(kept[0]?.from).toBeGreaterThanOrEqual(10)
  expect(kept.at(-1)?.id).toBe(`m${maxMarks + 19}`)
})

test('wrong bodies and pages of other sites change nothing', async () => {
  const text = 'gone'
  for (const body of [
    {},
    [],
    { text: '' },
    { text: 'x'.repeat(201) },
    { text, odd: 1 },
    { text, from: 'now' },
    { text, from: noon, to: noon - 1 },
    { text, to: noon - 1 },
    { text, id: '__proto__' },
    { text, kind: '<b>' },
  ])
    expect((await post(body)).status, JSON.stringify(body)).toBe(400)
  for (const headers of [
    { 'content-type': 'text/plain' },
    { ...json, origin: 'https://evil.example' },
    { ...json, 'sec-fetch-site': 'cross-site' },
  ])
    expect((await post({ text }, headers)).status, JSON.stringify(headers)).toBe(403)
  expect(await list()).toEqual([])
})
