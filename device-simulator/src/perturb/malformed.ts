import { harms } from '../harm.ts'
import type { Perturbation } from './perturbation.ts'

/** The bytes of a message are spoilt in one of the ways of harm.ts. */
export const malformed: Perturbation = {
  name: 'malformed',
  create: (victim, share) => (draft) => {
    if (victim.chance(draft.tick) >= share) return
    draft.harm = harms[Math.floor(victim.chance(draft.tick, 1) * harms.length)]!.name
  },
}
