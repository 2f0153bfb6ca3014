import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StatusResponse } from '@millrace/contracts'
import { expect } from 'vitest'
import { minuteMs } from './rows.ts'
import type { Stack } from './stack.ts'

/** The ingest's spool is lost and its store is not: what agents then send neither goes back nor takes from others. */
export async function checkLostSpool(stack: Stack, start: number): Promise<void> {
  await stack.send({ seq: 0, rows: [{ start }, { start: start + minuteMs }] })
  await stack.send({ seq: 1, rows: [{ start, rev: 1, values: [1, 2, 3, 4] }] })
  await stack.receipted(1)
  await stack.stored()
  await stack.send({ seq: 2, rows: [{ start, rev: 2, values: [1, 2, 3, 4, 5] }] })
  await stack.receipted(2)
  await stack.stored()
  const before = (await stack.summaries()).summaries
  expect(before.map(({ rev, count }) => [rev, count])).toEqual([
    [2, 5],
    [0, 3],
  ])

  await stack.stopIngest()
  rmSync(join(stack.dataDir, 'spool'), { recursive: true })
  stack.receipts.length = 0
  await stack.startIngest()
  await stack.send({ seq: 3, rows: [{ start, rev: 3, values: [1, 2, 3, 4, 5, 6] }, { start: start + 2 * minuteMs }] })
  await stack.send({ agent: 'other', spool: 'spool-b', seq: 0, rows: [{ start: start + minuteMs, values: [9] }] })
  await stack.receipted(0, 'spool-b')
  await stack.stored()
  const after = (await stack.summaries()).summaries
  expect(after.map(({ rev, count, agent }) => [rev, count, agent])).toEqual([
    [3, 6, 'edge'],
    [0, 3, 'edge'],
    [0, 3, 'edge'],
  ])
  const { deadLetters } = (await stack.get('/api/status')) as StatusResponse
  expect(deadLetters).toMatchObject([{ reason: 'late-part', letters: 1, readings: 1 }])

  await stack.send({ seq: 4, rows: [{ start, rev: 4, values: [7] }] })
  await stack.receipted(-1)
  await stack.stored()
  await expect.poll(async () => (await stack.summaries()).summaries[0]).toMatchObject({ rev: 4, count: 1 })
}
