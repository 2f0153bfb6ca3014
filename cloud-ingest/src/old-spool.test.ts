import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualClock } from '@millrace/pipeline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

describe('an ingest whose spool was put back from an old copy, and its store was not', () => {
  let stack: Stack
  const kept = mkdtempSync(join(tmpdir(), 'millrace-old-'))
  beforeEach(async () => {
    stack = await new Stack({ clock: manualClock(noon + minuteMs) }).start()
  })
  afterEach(async () => {
    await stack.stop()
    rmSync(kept, { recursive: true, force: true })
  })

  const spoolFolder = () => join(stack.dataDir, 'spool')
  const copy = async () => {
    await stack.stopIngest()
    cpSync(spoolFolder(), kept, { recursive: true })
    await stack.startIngest()
  }
  const putBack = async () => {
    await stack.stopIngest()
    rmSync(spoolFolder(), { recursive: true })
    cpSync(kept, spoolFolder(), { recursive: true })
    stack.receipts.length = 0
    await stack.startIngest()
  }
  const rows = async () => (await stack.summaries()).summaries.map(({ rev, count, parts }) => [rev, count, parts ?? 1])

  test('takes what agents send next, shows what it no longer knows as missing, and takes nothing from the store', async () => {
    await stack.send({ seq: 0, rows: [{ start: noon }] })
    await stack.receipted(0)
    await stack.stored()
    await copy()
    await stack.send({ seq: 1, rows: [{ start: noon, rev: 1, values: [1, 2, 3, 4] }] })
    await stack.send({ agent: 'other', spool: 'spool-b', seq: 0, rows: [{ start: noon + minuteMs, values: [9] }] })
    await stack.send({ seq: 2, rows: [{ start: noon + minuteMs }] })
    await stack.receipted(2)
    await stack.receipted(0, 'spool-b')
    await stack.stored()
    const before = await rows()
    expect(before).toEqual([
      [1, 4, 1],
      [1, 4, 2],
    ])

    await putBack()
    expect((await stack.receipted(0)).upTo).toBe(0)
    await stack.stored()
    expect(await rows()).toEqual(before)
    const { total } = await stack.accounts()
    expect(total).toMatchObject({ conflicts: 0, missingUpstream: 0 })

    await stack.send({
      seq: 3,
      rows: [{ start: noon, rev: 2, values: [1, 2, 3, 4, 5] }, { start: noon + 2 * minuteMs }],
    })
    await stack.receipted(0)
    await expect.poll(async () => (await stack.accounts()).total.missingUpstream).toBe(2)
    await stack.stored()
    expect(await rows()).toEqual([
      [expect.any(Number), 5, 1],
      [1, 4, 2],
      [0, 3, 1],
    ])
    expect((await stack.accounts()).total).toMatchObject({ conflicts: 0, deadLetters: 0 })

    // The row holds readings of another agent that this spool does not have: better the older row than without them.
    await stack.send({ seq: 4, rows: [{ start: noon + minuteMs, rev: 1, values: [1, 2, 3, 4] }] })
    await expect.poll(async () => (await stack.stored()).total.deadLetters).toBe(1)
    expect((await rows())[1]).toEqual([1, 4, 2])
  })

  test('tells an agent that asks how far it has come, and settles no number for a start that did not make it', async () => {
    await stack.send({ seq: 0, epoch: 'start-1' })
    await stack.send({ seq: 1, epoch: 'start-1', rows: [{ start: noon + minuteMs }] })
    await stack.receipted(1)
    const status = { v: 1, agent: 'edge', site: 'north', online: true, epoch: 'start-9' }
    await stack.publish(
      { site: 'north', agent: 'edge', kind: 'status' },
      { ...status, spool: { name: 'spool-a', asks: true } },
    )
    const answered = () => stack.receipts.findLast(({ receipt }) => receipt.standing)?.receipt
    await expect.poll(answered).toMatchObject({
      ...{ spool: 'spool-a', upTo: 1, greets: true },
      standing: { to: 'start-9', sites: [{ site: 'north', newest: 1, epochs: ['start-1'] }] },
    })
    await stack.stopIngest()
    const { DatabaseSync } = await import('node:sqlite')
    const file = new DatabaseSync(join(spoolFolder(), 'spool.db'))
    file.exec('DELETE FROM bodies')
    file.close()
    await stack.startIngest()
    await stack.send({ seq: 1, epoch: 'start-1', rows: [{ start: noon + minuteMs }] })
    await stack.send({ seq: 0, epoch: 'start-2', rows: [{ values: [7, 8] }] })
    await stack.send({ seq: 2, epoch: 'start-2', rows: [] })
    await stack.receipted(2)
    expect((await stack.stored()).total).toMatchObject({ conflicts: 1, deadLetters: 1, held: 6 })
  })

  test('does not call missing what a full agent says it gave up', async () => {
    await stack.send({ seq: 0 })
    await stack.send({ seq: 4, rows: [{ start: noon + minuteMs }] })
    await expect.poll(async () => (await stack.accounts()).total.missingUpstream).toBe(3)
    const status = { v: 1, agent: 'edge', site: 'north', online: true, epoch: 'e1' }
    const gaveUp = {
      north: [
        [0, 2],
        [9, 2 ** 40],
      ],
    }
    const say = (spool: object) => stack.publish({ site: 'north', agent: 'edge', kind: 'status' }, { ...status, spool })
    await say({ name: 'spool-a', gaveUp })
    await expect
      .poll(async () => (await stack.accounts()).total)
      .toMatchObject({ missingUpstream: 1, gaveUpUpstream: 2 })
    await say({ name: 'spool-a', gaveUp: { north: [['x', -1]] } })
    await say({ name: 'spool-b', gaveUp: { north: [] } })
    await stack.send({ seq: 3, rows: [{ start: noon + 2 * minuteMs }] })
    await expect
      .poll(async () => (await stack.accounts()).total)
      .toMatchObject({ missingUpstream: 0, gaveUpUpstream: 2 })
  })
})
