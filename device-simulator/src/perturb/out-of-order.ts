import type { Perturbation } from './perturbation.ts'

const mostOvertaking = 3

/** A message is overtaken by the one to three after it. */
export const outOfOrder: Perturbation = {
  name: 'out-of-order',
  create: (victim, share) => (draft) => {
    if (victim.chance(draft.tick) >= share) return
    const overtaking = 1 + Math.floor(victim.chance(draft.tick, 1) * mostOvertaking)
    draft.delayMs += Math.ceil((overtaking + 0.5) * victim.everyMs)
  },
}
