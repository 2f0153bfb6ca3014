import type { Perturbation } from './perturbation.ts'

const shortestMs = 2_000
const longestMs = 20 * 60_000

/** A message arrives 2 s to 20 min late, short delays more often than long ones. */
export const late: Perturbation = {
  name: 'late',
  create: (victim, share) => (draft) => {
    if (victim.chance(draft.tick) >= share) return
    draft.delayMs += Math.round(shortestMs * (longestMs / shortestMs) ** victim.chance(draft.tick, 1))
  },
}
