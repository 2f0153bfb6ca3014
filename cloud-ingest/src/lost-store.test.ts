import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { manualClock } from '@millrace/pipeline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

describe('an ingest whose store alone', () => {
  let stack: Stack
  beforeEach(async () => {
    stack = await new Stack({ clock: manualClock(noon + 60 * minuteMs) }).start()
    for (let seq = 0; seq < 3; seq++) await stack.send({ seq, rows: [{ start: noon + seq * minuteMs }] })
    await stack.receipted(2)
    await stack.stored()
  })
  afterEach(() => stack.stop())

  const file = () => join(stack.dataDir, 'telemetry.duckdb')
  const remove = () => {
    for (const name of readdirSync(stack.dataDir)) {
      if (name.startsWith('telemetry.duckdb')) rmSync(join(stack.dataDir, name))
    }
  }
  const rows = async () => (await stack.summaries()).summaries.map(({ start, rev, count }) => [start, rev, count])
  const hours = async () => (await stack.summaries({ step: '1h' })).summaries.map(({ start, count }) => [start, count])
  const expectAll = async (minutes: number) => {
    await stack.send({ seq: minutes, rows: [{ start: noon + minutes * minuteMs }] })
    const all = Array.from({ length: minutes + 1 }, (_, minute) => [noon + minute * minuteMs, 0, 3])
    await expect.poll(rows, { timeout: 20_000 }).toEqual(all)
    await expect.poll(hours, { timeout: 20_000 }).toEqual([[noon, 3 * (minutes + 1)]])
    const unaccounted = async () => (await stack.accounts()).stores?.map((store) => store.unaccounted)
    await expect.poll(unaccounted, { timeout: 20_000 }).toEqual([0])
    expect((await stack.accounts()).total).toMatchObject({ deadLetters: 0, missingUpstream: 0 })
  }

  test('is gone gives it again all that the spool has', async () => {
    await stack.stopIngest()
    remove()
    await stack.startIngest()
    await expectAll(3)
  })

  test('was put back from an old copy gives it again what that lacks', async () => {
    await stack.stopIngest()
    copyFileSync(file(), `${stack.dataDir}/old`)
    await stack.startIngest()
    for (let seq = 3; seq < 6; seq++) await stack.send({ seq, rows: [{ start: noon + seq * minuteMs }] })
    await stack.receipted(5)
    await stack.stored()
    await stack.stopIngest()
    remove()
    copyFileSync(`${stack.dataDir}/old`, file())
    await stack.startIngest()
    await expectAll(6)
  })
})
