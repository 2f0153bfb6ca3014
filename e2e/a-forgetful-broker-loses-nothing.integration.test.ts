import { it } from 'vitest'
import { forgetfulBroker } from './faults/claims/forgetful-broker.ts'
import { hold } from './faults/hold.ts'

/** The long form, 60 restarts: node e2e/faults/run.ts --long forgetful-broker. */
it('between agent and ingest, as only a receipt frees what the agent holds', async () => {
  await hold(forgetfulBroker)
})
