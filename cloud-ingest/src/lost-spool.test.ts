import { test } from 'vitest'
import { checkLostSpool } from './testing/lost-spool.ts'
import { noon } from './testing/rows.ts'
import { Stack } from './testing/stack.ts'

test('after the spool was lost, revisions in DuckDB go on from those that are stored', async () => {
  const stack = await new Stack().start()
  try {
    await checkLostSpool(stack, noon)
  } finally {
    await stack.stop()
  }
})
