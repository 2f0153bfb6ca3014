import { it } from 'vitest'
import { sigterm } from './faults/claims/sigterm.ts'
import { hold } from './faults/hold.ts'

/** The long form, 100 times: node e2e/faults/run.ts --long sigterm. */
it('agent and ingest end cleanly in the middle of a window, which is kept open and counted whole', async () => {
  await hold(sigterm)
})
