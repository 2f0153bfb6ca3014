import { manualClock } from '@millrace/pipeline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { minuteMs, noon, summariesBody, summaryRow } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

const hourMs = 60 * minuteMs

describe('what an agent sends', () => {
  let stack: Stack
  const clock = manualClock(noon + minuteMs)
  beforeEach(async () => {
    stack = await new Stack({ clock }).start()
  })
  afterEach(async () => await stack.stop())

  test('is receipted cumulatively, gaps as ranges, once it is on disk', async () => {
    await stack.send({ seq: 0 })
    await stack.receipted(0)
    await stack.send({ seq: 3, rows: [{ start: noon + minuteMs }] })
    await stack.send({ seq: 1, rows: [{ start: noon + 2 * minuteMs }] })
    const receipt = await stack.receipted(1)
    expect(receipt).toEqual({ spool: 'spool-a', upTo: 1, ranges: [[3, 3]], greets: true })
    expect((await stack.accounts()).total.missingUpstream).toBe(1)
    await stack.send({ seq: 2, rows: [{ start: noon + 3 * minuteMs }] })
    expect((await stack.receipted(3)).ranges).toEqual([])
    expect((await stack.stored()).total).toMatchObject({ missingUpstream: 0, held: 12, conflicts: 0 })
  })

  test('repeated changes nothing', async () => {
    await stack.send({ seq: 0 })
    await stack.receipted(0)
    await stack.stored()
    const before = [await stack.summaries({ sketch: 1 }), (await stack.stored()).devices]
    for (let times = 0; times < 3; times++) await stack.send({ seq: 0 })
    await stack.send({ seq: 1, rows: [] })
    await stack.receipted(1)
    const { devices, total } = await stack.stored()
    expect([await stack.summaries({ sketch: 1 }), devices]).toEqual(before)
    expect(total).toMatchObject({ conflicts: 0, deadLetters: 0, mismatch: 0 })
  })

  test('under a known number with other bytes is a conflict: receipted, set aside, counted, in no row', async () => {
    await stack.send({ seq: 0 })
    await stack.receipted(0)
    await stack.send({ seq: 0, rows: [{ values: [100, 200] }] })
    await stack.send({ seq: 1, rows: [] })
    await stack.receipted(1)
    expect((await stack.stored()).total).toMatchObject({ conflicts: 1, deadLetters: 1, held: 3 })
    expect((await stack.summaries()).summaries).toMatchObject([{ max: 3, rev: 0 }])
  })

  test('in several revisions ends with the newest, whatever their order', async () => {
    const [newest, older, oldest] = [
      { seq: 2, rows: [{ rev: 2, values: [1, 2, 3, 4, 5] }] },
      { seq: 1, rows: [{ rev: 1, values: [1, 2, 3, 4] }] },
      { seq: 0, rows: [{ rev: 0, values: [1, 2, 3] }] },
    ]
    for (const body of [newest!, older!, oldest!]) await stack.send(body)
    await stack.receipted(2)
    const { total, devices } = await stack.stored()
    expect((await stack.summaries()).summaries).toMatchObject([{ count: 5, max: 5 }])
    expect([total.held, devices[0]!.sent, total.mismatch]).toEqual([5, 5, 0])
  })

  test('by two agents for one window becomes one row, and each agent keeps its account', async () => {
    await stack.send({ agent: 'edge', rows: [{ values: [1, 2, 3] }] })
    await stack.send({ agent: 'edge-2', spool: 'spool-b', rows: [{ values: [10, 20] }] })
    await stack.receipted(0, 'spool-b')
    await stack.receipted(0)
    const { devices } = await stack.stored()
    const { summaries } = await stack.summaries()
    expect(summaries).toMatchObject([{ count: 5, sum: 36, min: 1, max: 20, parts: 2 }])
    expect(devices.map(({ agent, held }) => [agent, held]).sort()).toEqual([
      ['edge', 3],
      ['edge-2', 2],
    ])
  })

  test('keeps its percentiles exact where a window has one part', async () => {
    const values = Array.from({ length: 97 }, (_, index) => (index * 37) % 101)
    await stack.send({ rows: [{ values }] })
    await stack.receipted(0)
    await stack.stored()
    const { p50, p95, p99, sketch } = summaryRow({ values })
    expect((await stack.summaries({ sketch: 1 })).summaries).toMatchObject([{ p50, p95, p99, sketch }])
  })

  test('tells the unit of each row with its sketch', async () => {
    const body = summariesBody({ rows: [{}] })
    body.columns.unit[0] = 'K'
    await stack.publish({ site: 'north', agent: 'edge', kind: 'summaries' }, body)
    await stack.receipted(0)
    await stack.stored()
    await stack.send({ seq: 1, rows: [{ start: noon + minuteMs }] })
    await stack.receipted(1)
    await stack.stored()
    expect((await stack.summaries({ sketch: 1 })).summaries).toMatchObject([{ unit: 'K' }, { unit: '°C' }])
    const { summaries } = await stack.summaries()
    expect(summaries.filter((row) => 'unit' in row)).toEqual([])
  })

  test('in a body with bad rows: the good ones are stored, the bad ones refused by count and set aside', async () => {
    const body = summariesBody({
      rows: [{ values: [1, 2] }, { start: noon + minuteMs, values: [3, 4, 5] }, { device: 'fan' }],
    })
    body.columns.max[1] = -1
    body.columns.device[2] = 'no such name!'
    body.accounts.sent[0] = 5
    await stack.publish({ site: 'north', agent: 'edge', kind: 'summaries' }, body)
    await stack.receipted(0)
    const { total } = await stack.stored()
    expect(total).toMatchObject({ held: 2, refused: 3, sent: 8 })
    expect((await stack.summaries()).summaries).toHaveLength(1)
    await stack.send({ seq: 1, rows: [{ start: noon + minuteMs, rev: 1, values: [3, 4, 5] }], sent: { pump: 5 } })
    await stack.receipted(1)
    expect((await stack.stored()).total).toMatchObject({ held: 5, refused: 0 })
  })

  test('that cannot be read is set aside, and what follows passes', async () => {
    const topic = { site: 'north', agent: 'edge', kind: 'summaries' } as const
    const good = summariesBody()
    const bad = ['', '{', '[]', 'null', '{"v":1}', { ...good, v: 2 }, { ...good, site: 'south' }, '\u0000', '"x"']
    for (const body of bad) await stack.publish(topic, body)
    await stack.publish(topic, { ...good, columns: 5 })
    await stack.publish(topic, { ...good, seq: 1, columns: { ...good.columns, sum: [] } })
    await stack.publish(topic, { ...good, seq: 2, columns: JSON.parse('{"__proto__":[1],"device":["a"]}') })
    await stack.send({ seq: 3 })
    await stack.receipted(3)
    const { total } = await stack.stored()
    expect(total).toMatchObject({ held: 3, deadLetters: 12, missingUpstream: 0 })
  })

  test('of any shape at all leaves the ingest running', async () => {
    const topic = { site: 'north', agent: 'edge', kind: 'summaries' } as const
    const good = summariesBody()
    const bodies = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(good)), fc.jsonValue()), 100)
    const columns = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(good.columns)), fc.jsonValue()), 100)
    for (const [name, value] of bodies) await stack.publish(topic, { ...good, seq: 5, [name]: value })
    for (const [index, [name, value]] of columns.entries()) {
      await stack.publish(topic, { ...good, seq: 10 + index, columns: { ...good.columns, [name]: [value] } })
    }
    for (const kind of ['live', 'provisional', 'status', 'readings', 'alerts'] as const) {
      for (const [, value] of bodies) await stack.publish({ ...topic, kind }, value)
    }
    await stack.send({ spool: 'spool-z' })
    await stack.receipted(0, 'spool-z')
    expect(await stack.get('/readyz')).toMatchObject({ ok: true })
  })

  test('to a spool that is full goes unreceipted, and is taken once there is room', async () => {
    await stack.stopIngest()
    Object.assign(stack.options, { maxBytes: 400 * 1024 })
    await stack.startIngest()
    const rows = (seq: number) =>
      Array.from({ length: 200 }, (_, index) => ({ start: noon - (seq * 200 + index) * minuteMs }))
    for (let seq = 0; seq < 12; seq++) await stack.send({ seq, rows: rows(seq) })
    await expect.poll(async () => JSON.stringify(await stack.get('/readyz'))).toMatch(/"ok":false.*spool.maxBytes/)
    const held = (await stack.accounts()).total.held
    expect(held).toBeLessThan(12 * 600)
    await stack.stopIngest()
    Object.assign(stack.options, { maxBytes: 64 * 1024 * 1024 })
    await stack.startIngest()
    for (let seq = 0; seq < 12; seq++) await stack.send({ seq, rows: rows(seq) })
    await stack.receipted(11)
    expect((await stack.stored()).total).toMatchObject({ held: 12 * 600, conflicts: 0 })
  })

  test('is receipted again by an ingest that has started anew, which knows what it held', async () => {
    for (const seq of [0, 1, 4]) await stack.send({ seq, rows: [{ start: noon + seq * minuteMs }] })
    await stack.receipted(1)
    await expect.poll(() => stack.receipts.at(-1)?.receipt.ranges).toEqual([[4, 4]])
    const { devices } = await stack.stored()
    await stack.stopIngest()
    stack.receipts.length = 0
    await stack.startIngest()
    expect(await stack.receipted(1)).toEqual({ spool: 'spool-a', upTo: 1, ranges: [[4, 4]], greets: true })
    expect((await stack.stored()).devices).toEqual(devices)
    await stack.send({ seq: 1, rows: [{ start: noon, values: [9] }] })
    await stack.send({ seq: 2, rows: [] })
    await stack.receipted(2)
    expect((await stack.accounts()).total.conflicts).toBe(1)
    expect(await stack.get('/api/series')).toMatchObject([
      { device: 'pump', metric: 'temperature', unit: '°C', lastValue: 3 },
    ])
  })

  test('while nobody listened is asked for at once: a status of an unknown spool is answered with an empty receipt', async () => {
    const status = { v: 1, agent: 'edge', site: 'north', online: true, spool: { name: 'spool-x' } }
    await stack.publish({ site: 'north', agent: 'edge', kind: 'status' }, status)
    expect(await stack.receipted(-1, 'spool-x')).toEqual({ spool: 'spool-x', upTo: -1, ranges: [], greets: true })
  })

  test('makes hours and days that merge the minutes', async () => {
    const rows = [0, 1, 59, 60].map((minute) => ({ start: noon + minute * minuteMs, values: [minute, minute + 1] }))
    await stack.send({ rows })
    await stack.receipted(0)
    await expect
      .poll(async () => (await stack.summaries({ step: '1h' })).summaries, { timeout: 15_000 })
      .toMatchObject([
        { start: noon, lengthMs: hourMs, count: 6, min: 0, max: 60, first: 0, last: 60, parts: 1 },
        { start: noon + hourMs, count: 2 },
      ])
    await expect
      .poll(async () => (await stack.summaries({ step: '1d' })).summaries, { timeout: 15_000 })
      .toMatchObject([{ start: noon - 12 * hourMs, lengthMs: 24 * hourMs, count: 8, max: 61 }])
  })
})
