import { manualClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { minuteMs, noon, summariesBody } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack({ clock: manualClock(noon + 2 * minuteMs) }).start()
})
afterEach(async () => await stack.stop())

const topic = { site: 'north', agent: 'edge' } as const

/** What was sent before has been looked at. */
async function passed(): Promise<void> {
  await stack.send({ spool: 'spool-z', rows: [{ device: 'other' }] })
  await stack.receipted(0, 'spool-z')
}

test('open windows whose sketches are none harm nobody: they are left out, and good ones are shown', async () => {
  const { columns, ...head } = summariesBody()
  const { rev: _rev, ...open } = columns
  for (const spool of ['one', 'two']) {
    const body = { ...head, spool, at: noon, columns: { ...open, sketch: ['AAAA'] } }
    await stack.publish({ ...topic, kind: 'provisional' }, body)
  }
  await passed()
  expect(await stack.summaries()).toMatchObject({ summaries: [] })
  await stack.publish({ ...topic, kind: 'provisional' }, { ...head, at: noon, columns: open })
  await until(async () => (await stack.summaries()).summaries.length === 1, { label: 'the good one' })
})

test('a status nested too deep to be written again harms nobody, not even those who listen', async () => {
  const listening = new AbortController()
  const url = `http://127.0.0.1:${stack.ingest!.port}/api/live`
  await fetch(url, { signal: listening.signal })
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  const status = `{"v":1,"agent":"edge","site":"north","online":true,"counters":{"a":${deep}}}`
  await stack.publish({ ...topic, kind: 'status' }, status)
  await passed()
  expect(await stack.get('/api/status')).toMatchObject({ agents: [] })
  listening.abort()
})

/** Two of them are more than 64 bits hold. */
function beyondCounting(seq: number) {
  const body = summariesBody({
    seq,
    rows: Array.from({ length: 600 }, (_, index) => ({ start: noon - (seq * 600 + index) * minuteMs })),
  })
  body.columns.count.fill(2 ** 53 - 1)
  return body
}
const huge = { device: 'pump', boot: 'a', start: noon, firstSeq: 1e300, lastSeq: 1e300, messages: 1 }

test.each([
  ['numbers of messages beyond all whole numbers', [summariesBody({ boots: [huge] }), summariesBody({ seq: 1 })], 1],
  ['more readings than anybody could sum up', [beyondCounting(0), beyondCounting(1)], 2],
])('bodies with %s are taken, and what is wrong in them set aside', async (_what, bodies, letters) => {
  for (const body of bodies) await stack.publish({ ...topic, kind: 'summaries' }, body)
  await stack.receipted(1)
  await passed()
  expect((await stack.stored()).total.deadLetters).toBe(letters)
})

test('a row whose sketch is none is refused alone: its hour is made of the others', async () => {
  const body = summariesBody({ rows: [0, 1, 2].map((minute) => ({ start: noon + minute * minuteMs })) })
  body.columns.sketch[1] = 'AAAA'
  await stack.publish({ ...topic, kind: 'summaries' }, body)
  await stack.receipted(0)
  expect((await stack.stored()).total).toMatchObject({ held: 6, refused: 3, mismatch: 0, deadLetters: 1 })
  await expect
    .poll(async () => (await stack.summaries({ step: '1h' })).summaries, { timeout: 15_000 })
    .toMatchObject([{ start: noon, count: 6 }])
})

test('a live reading of no time at all does not keep those of others from the store', async () => {
  const live = (device: string, ts: number) => {
    const columns = { device: [device], metric: ['temperature'], unit: ['°C'], ts: [ts], value: [1] }
    return stack.publish({ ...topic, kind: 'live' }, { v: 1, ...topic, columns })
  }
  await live('pump', noon)
  await live('bad', 1e300)
  const query = new URLSearchParams({ site: 'north', device: 'pump', metric: 'temperature', from: '0' })
  const stored = async () => ((await stack.get(`/api/readings?${query}`)) as { readings: unknown[] }).readings
  await until(async () => (await stored()).length === 1, { label: 'the good reading' })
  expect(await stack.get('/api/series')).toMatchObject([{ device: 'pump' }])
})

const series = 'site=north&device=pump&metric=temperature'

test.each([
  `/api/summaries?${series}&from=0&to=${'9'.repeat(400)}`,
  `/api/summaries?${series}&from=1e3`.replace('1e3', '99999999999999999999'),
  `/api/summaries?${series}&from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z`,
  `/api/readings?${series}&from=0&to=99999999999999999999`,
  '/api/completeness?from=0&to=99999999999999999999',
])('a span beyond all times is cut to what there can be: %s', async (path) => {
  await stack.send({})
  await stack.receipted(0)
  await stack.stored()
  const response = await fetch(`http://127.0.0.1:${stack.ingest!.port}${path}`)
  expect(response.status).toBe(200)
  const { summaries } = (await response.json()) as { summaries?: unknown[] }
  if (path.includes('/api/summaries') && !path.includes('from=9')) expect(summaries).toHaveLength(1)
})

test('HEAD of the live events is answered at once', async () => {
  const url = `http://127.0.0.1:${stack.ingest!.port}/api/live`
  expect((await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(5_000) })).status).toBe(404)
})
