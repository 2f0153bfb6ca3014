import type { Perturbation } from './perturbation.ts'

const longestMs = 60_000

/** A message is sent a second time, at once to a minute later. */
export const duplicate: Perturbation = {
  name: 'duplicate',
  create: (victim, share) => (draft) => {
    if (victim.chance(draft.tick) < share)
      draft.repeatAfterMs = Math.floor(longestMs * victim.chance(draft.tick, 1) ** 4)
  },
}
