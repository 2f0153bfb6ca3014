import type { ApiSummary, ProvisionalBody } from '@millrace/contracts'
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

function provisionalBody(values: number[], start = noon): ProvisionalBody {
  const { v, agent, spool, epoch, site, columns } = summariesBody({ rows: [{ start, values }] })
  const { rev: _rev, ...open } = columns
  return { v, agent, spool, epoch, site, at: noon, columns: open }
}

async function open(values: number[], start = noon): Promise<void> {
  await stack.publish({ site: 'north', agent: 'edge', kind: 'provisional' }, provisionalBody(values, start))
}

const shape = (rows: readonly ApiSummary[]) => rows.map(({ start, count, provisional }) => [start, count, provisional])

test('an open window is shown as provisional until its row is stored: no gap, nothing twice', async () => {
  await open([1])
  await until(async () => (await stack.summaries()).summaries.length === 1)
  await open([1, 2])
  await until(async () => (await stack.summaries()).summaries[0]?.count === 2)
  expect((await stack.summaries()).summaries).toMatchObject([{ rev: null, provisional: true, agent: 'edge' }])
  const seen = new Set<number>()
  let looking = true
  const watch = (async () => {
    while (looking) seen.add((await stack.summaries()).summaries.length)
  })()
  await stack.send({ rows: [{ values: [1, 2, 3] }] })
  await stack.receipted(0)
  await stack.stored()
  looking = false
  await watch
  expect([...seen]).toEqual([1])
  expect(shape((await stack.summaries()).summaries)).toEqual([[noon, 3, false]])
})

test('a window opened again by a late reading does not hide its stored row', async () => {
  await stack.send({ rows: [{ values: [1, 2, 3] }] })
  await stack.receipted(0)
  await stack.stored()
  await open([9])
  await open([5], noon + minuteMs)
  await until(async () => (await stack.summaries()).summaries.length === 2)
  expect(shape((await stack.summaries()).summaries)).toEqual([
    [noon, 3, false],
    [noon + minuteMs, 1, true],
  ])
})

test('listeners get statuses at once, then readings, open windows and rows as they come', async () => {
  const status = { v: 1, agent: 'edge', site: 'north', online: true, at: noon }
  await stack.publish({ site: 'north', agent: 'edge', kind: 'status' }, status)
  await until(async () => ((await stack.get('/api/status')) as { agents: unknown[] }).agents.length === 1)
  const ending = new AbortController()
  const response = await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/live`, { signal: ending.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  let text = ''
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk).toString('utf8')
  })().catch(() => undefined)
  const columns = { device: ['pump'], metric: ['temperature'], unit: ['°C'], ts: [noon + 5], value: [21.5] }
  await stack.publish({ site: 'north', agent: 'edge', kind: 'live' }, { v: 1, agent: 'edge', site: 'north', columns })
  await open([1, 2])
  await stack.send({ rows: [{ values: [1, 2, 3] }] })
  await until(() => text.split('event: summary').length === 3)
  ending.abort()
  await reading
  const events = [...text.matchAll(/event: (\w+)\ndata: (.*)\n/g)].map(([, name, data]) => [name, JSON.parse(data!)])
  expect(events).toMatchObject([
    ['status', status],
    ['reading', { site: 'north', readings: [{ device: 'pump', value: 21.5, ts: noon + 5 }] }],
    ['summary', { summaries: [{ device: 'pump', provisional: true, rev: null, count: 2 }] }],
    ['summary', { summaries: [{ device: 'pump', provisional: false, rev: 0, count: 3 }] }],
  ])
  expect(await stack.get('/api/series')).toMatchObject([{ device: 'pump' }])
  await until(
    async () =>
      ((await stack.get(`/api/readings?site=north&device=pump&metric=temperature&from=0`)) as { readings: unknown[] })
        .readings.length === 1,
  )
})

test('completeness merges over time: gaps between windows are missing messages', async () => {
  const share = (minute: number, firstSeq: number, lastSeq: number) => {
    return {
      device: 'pump',
      boot: 'b1',
      start: noon + minute * minuteMs,
      firstSeq,
      lastSeq,
      messages: lastSeq - firstSeq + 1,
    }
  }
  await stack.send({ boots: [share(0, 0, 9), share(1, 12, 20)] })
  await stack.receipted(0)
  await stack.stored()
  const answer = await stack.get(`/api/completeness?from=${noon}&to=${noon + 5 * minuteMs}`)
  expect(answer).toMatchObject({ devices: [{ site: 'north', device: 'pump', messages: 19, missing: 2 }] })
})

test('a wrong query is answered with everything that is wrong in it', async () => {
  const response = await fetch(
    `http://127.0.0.1:${stack.ingest!.port}/api/summaries?site=a/b&device=pump&step=2m&from=yesterday`,
  )
  expect(response.status).toBe(400)
  const { problems } = (await response.json()) as { problems: { path: string }[] }
  expect(problems.map(({ path }) => path).sort()).toEqual(['from', 'metric', 'site', 'step'])
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
})
