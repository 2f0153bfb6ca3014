import type { SummariesBody } from '@millrace/contracts'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { minuteMs, noon, summariesBody } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack().start()
})
afterEach(async () => await stack.stop())

type Columns = SummariesBody['columns']

/** A body with three windows of two readings each, its columns changed by hand. */
async function sendChanged(change: (columns: Columns) => void, sent = 6): Promise<void> {
  const rows = [0, 1, 2].map((index) => ({ start: noon + index * minuteMs, values: [1, 2] }))
  const body = summariesBody({ rows, sent: { pump: sent } })
  change(body.columns)
  await stack.publish({ site: 'north', agent: 'edge', kind: 'summaries' }, body)
  await stack.receipted(0)
}
const totals = async () => (await stack.accounts()).total

test('bad rows of one device are one dead letter with all their readings, and are refused, not missing', async () => {
  await sendChanged((columns) => {
    for (const at of [0, 1, 2]) columns.min[at] = 99
  })
  expect(await totals()).toMatchObject({ held: 0, refused: 6, mismatch: 0, deadLetters: 1 })
  const { deadLetters } = (await stack.get('/api/status')) as { deadLetters: unknown[] }
  expect(deadLetters).toMatchObject([{ reason: 'bad-body', letters: 1, readings: 6 }])
})

test.each<[string, (columns: Columns) => void]>([
  ['a reading at the end of its window', (columns) => (columns.lastTs[0] = columns.start[0]! + columns.lengthMs[0]!)],
  ['percentiles out of order', (columns) => (columns.p50[0] = columns.p95[0]! + 1)],
  ['no reading at all', (columns) => (columns.count[0] = 0)],
])('a row with %s is refused alone', async (_what, change) => {
  await sendChanged(change)
  expect(await totals()).toMatchObject({ held: 4, deadLetters: 1 })
})

test('a window that is not aligned, or does not divide an hour, has no key and is in no row', async () => {
  await sendChanged((columns) => {
    columns.start[0]! += 1_000
    columns.firstTs[0]! += 1_000
    columns.lastTs[0]! += 1_000
    columns.lengthMs[1] = 7 * minuteMs
  }, 2)
  expect(await totals()).toMatchObject({ held: 2, refused: 0, mismatch: 0, deadLetters: 1 })
})

test('nobody is believed who speaks for another agent', async () => {
  await stack.publish({ site: 'north', agent: 'edge', kind: 'summaries' }, summariesBody({ agent: 'other' }))
  await until(async () => (await totals()).deadLetters === 1, { withinMs: 10_000 })
  expect(await totals()).toMatchObject({ held: 0, sent: 0 })
  const { deadLetters } = (await stack.get('/api/status')) as { deadLetters: { reason: string }[] }
  expect(deadLetters.map(({ reason }) => reason)).toEqual(['identity'])
})

test('one reading too few of one device and one too many of another are a mismatch of two', async () => {
  const rows = [
    { device: 'pump', values: [1, 2] },
    { device: 'fan', values: [3, 4] },
  ]
  await stack.send({ rows, sent: { pump: 3, fan: 1 } })
  await stack.receipted(0)
  expect(await totals()).toMatchObject({ sent: 4, held: 4, mismatch: 2 })
})

test('while a message is missing nobody can tell a mismatch; once it is there, sent is demanded', async () => {
  await stack.send({ seq: 1, rows: [{ metric: 'humidity', values: [1, 2] }], sent: { pump: 4 } })
  await until(async () => (await totals()).held === 2, { withinMs: 10_000 })
  expect(await totals()).toMatchObject({ missingUpstream: 1, mismatch: 0 })
  await stack.send({ seq: 0, rows: [{ values: [1] }], sent: { pump: 1 } })
  await stack.receipted(1)
  expect(await totals()).toMatchObject({ missingUpstream: 0, held: 3, mismatch: 1 })
})

test('every revision of a part raises the revision of its row, and readings count once', async () => {
  for (const [seq, values] of [[1], [1, 2], [1, 2, 3]].entries()) {
    await stack.send({ seq, rows: [{ rev: seq, values }], sent: { pump: values.length } })
    await stack.receipted(seq)
    await stack.stored()
  }
  expect((await stack.summaries()).summaries).toMatchObject([{ count: 3, rev: 2 }])
  expect(await totals()).toMatchObject({ held: 3, mismatch: 0 })
})
