import type { Perturbation } from './perturbation.ts'

/** A device that names its runs starts anew: a new boot, and numbers from 0. */
export const reboot: Perturbation = {
  name: 'reboot',
  create: (victim, share) => (draft) => {
    if (victim.traits.boot && victim.chance(draft.tick) < share) draft.restarts = true
  },
}
