import { manualClock } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { decodeMessage } from './decode/index.ts'
import type { Spooled } from './received.ts'
import { replayLetter } from './replay.ts'
import { minuteMs, noon, summariesBody } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

let stack: Stack
beforeEach(async () => {
  stack = await new Stack({ clock: manualClock(noon + minuteMs) }).start()
})
afterEach(async () => await stack.stop())

async function replay(body: object) {
  const response = await fetch(`http://127.0.0.1:${stack.ingest!.port}/api/dead-letters/replay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as { letters?: { replayed: boolean; message: string }[] }
}

const listed = async () => ((await stack.get('/api/dead-letters')) as { letters: object[] }).letters

test('a conflict is never replayed: nothing in the spool or a store changes', async () => {
  await stack.send({ seq: 0 })
  await stack.receipted(0)
  await stack.send({ seq: 0, rows: [{ values: [100, 200] }] })
  await until(async () => (await listed()).length === 1)
  expect(await replay({ reason: 'conflict' })).toMatchObject({ letters: [{ replayed: false }] })
  expect(await listed()).toMatchObject([{ reason: 'conflict', letters: 1, kept: 1 }])
  expect((await stack.stored()).total).toMatchObject({ held: 3, conflicts: 1 })
  expect((await stack.summaries()).summaries).toMatchObject([{ max: 3 }])
})

test('bytes that are still no message stay where they are', async () => {
  await stack.publish({ site: 'north', agent: 'edge', kind: 'summaries' }, 'no body')
  await until(async () => (await listed()).length === 1)
  const [{ reason }] = (await listed()) as [{ reason: string }]
  const { letters } = await replay({ reason, all: true })
  expect(letters).toMatchObject([{ replayed: false, message: expect.stringContaining('not mended') }])
  expect(await listed()).toMatchObject([{ letters: 1, kept: 1 }])
})

test('a letter whose body can be read now is offered whole, with the letter that goes in its transaction', async () => {
  const offered: Spooled[] = []
  const body = Buffer.from(JSON.stringify(summariesBody({ seq: 4 })))
  const source = 'millrace/v1/north/edge/summaries'
  expect(decodeMessage({ topic: source, body }).kind).toBe('spooled')
  const letter = { atMs: 0, reason: 'bad-body', nth: 2, source, site: 'north', device: null, count: 1, body }
  const offer = async (message: Spooled) => offered.push(message) > 0
  const context = { offer, knows: () => false, keptFromMs: 1 }
  const outcome = await replayLetter(letter, context)
  expect(outcome).toMatchObject({ replayed: true, message: 'message 4: 3 readings in 1 rows accepted anew' })
  expect(offered).toMatchObject([{ letter: { reason: 'bad-body', nth: 2 }, head: { seq: 4 } }])
  expect(await replayLetter(letter, { ...context, offer: async () => false })).toMatchObject({ replayed: false })
})
