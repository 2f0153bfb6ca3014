import { it } from 'vitest'
import { connections } from './faults/claims/connections.ts'
import { hold } from './faults/hold.ts'

/** The long form, ten minutes: node e2e/faults/run.ts --long connections. */
it('slow, stalled, flapping, half-open, reset and deaf ones on every leg, and an InfluxDB that refuses or answers nobody', async () => {
  await hold(connections)
})
