import type { Perturbation } from './perturbation.ts'

/** A message is numbered but never sent, so its number is missing. */
export const dropout: Perturbation = {
  name: 'dropout',
  create: (victim, share) => (draft) => {
    if (victim.chance(draft.tick) < share) draft.lost = true
  },
}
