import { it } from 'vitest'
import { frozen } from './faults/claims/frozen.ts'
import { hold } from './faults/hold.ts'

/** The long form, 60 times: node e2e/faults/run.ts --long frozen. */
it('agent, ingest and broker that the system does not let run go on where they were, by the recount of an oracle', async () => {
  await hold(frozen)
})
