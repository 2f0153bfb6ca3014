import { it } from 'vitest'
import { killNine } from './faults/claims/kill-nine.ts'
import { hold } from './faults/hold.ts'

/** The long form, 2,000 kills: node e2e/faults/run.ts --long kill-nine. */
it('200 kills of agent, ingest and broker at random instants, one by one and together, by the recount of an oracle', async () => {
  await hold(killNine)
}, 1_200_000)
