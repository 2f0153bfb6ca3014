import { it } from 'vitest'
import { outage } from './faults/claims/outage.ts'
import { hold } from './faults/hold.ts'

/** The long form, a fortnight: node e2e/faults/run.ts --long outage. */
it('of uplink, broker, ingest and InfluxDB, while live readings stay fresh', async () => {
  await hold(outage)
})
