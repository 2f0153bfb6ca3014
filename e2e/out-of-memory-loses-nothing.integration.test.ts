import { it } from 'vitest'
import { outOfMemory } from './faults/claims/out-of-memory.ts'
import { hold } from './faults/hold.ts'
import { makeMemoryLimit } from './faults/memory-limit.ts'

const limit = makeMemoryLimit(2 ** 30)
limit?.remove()
if (!limit) console.log('skipped: nobody here may limit memory; it takes Linux with control groups, and root')

/** The long form, 60 times: node e2e/faults/run.ts --long out-of-memory. */
it.skipIf(!limit)('of agent and ingest that the kernel ends for want of memory', async () => {
  await hold(outOfMemory)
})
