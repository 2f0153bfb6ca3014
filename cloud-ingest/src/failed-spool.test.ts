import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { manualClock } from '@millrace/pipeline'
import { expect, test } from 'vitest'
import { minuteMs, noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

test('an ingest whose spool fails ends, so that it is started again, and has all it gave receipts for', async () => {
  const stack = await new Stack({ clock: manualClock(noon + 5 * minuteMs) }).start()
  await stack.send({ seq: 0, rows: [{ start: noon }] })
  await stack.receipted(0)
  for (const suffix of ['', '-wal', '-shm']) rmSync(join(stack.dataDir, 'spool', `spool.db${suffix}`))
  await stack.send({ seq: 1, rows: [{ start: noon + minuteMs }] })
  await expect(stack.ingest!.ended).rejects.toMatchObject({ code: 'spool-failed' })

  await stack.ingest!.stop()
  stack.receipts.length = 0
  await stack.startIngest()
  expect((await stack.receipted(0)).upTo).toBe(0)
  await stack.send({ seq: 1, rows: [{ start: noon + minuteMs }] })
  await stack.receipted(1)
  expect((await stack.stored()).total).toMatchObject({ held: 6, missingUpstream: 0, conflicts: 0 })
  await stack.stop()
})
