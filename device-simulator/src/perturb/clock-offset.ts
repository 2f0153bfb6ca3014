import { hashText, unit } from '../random.ts'
import type { Perturbation } from './perturbation.ts'

const dayMs = 86_400_000
const furthestBehindMs = 10 * 60_000
const furthestAheadMs = 2 * 60_000

/**
 * A share of the devices have a clock that is up to 10 min behind or 2 min ahead, and one device of the fleet is a day
 * ahead. The fault begins with the live part: what a device says of the past was stamped by a right clock. A day,
 * because then its readings lie in the future of the agent however long the agent was away.
 */
export const clockOffset: Perturbation = {
  name: 'clock-offset',
  create(victim, share) {
    const offsetMs = share > 0 ? offsetOf(victim, share) : 0
    return (draft) => {
      if (draft.atMs >= victim.t0Ms) draft.clockOffsetMs = offsetMs
    }
  },
}

function offsetOf({ index, of, fleetSeed, chance }: Parameters<Perturbation['create']>[0], share: number): number {
  if (index === Math.floor(unit(hashText('a day ahead', fleetSeed), 0) * of)) return dayMs
  if (chance(0) >= share) return 0
  return Math.round(-furthestBehindMs + chance(0, 1) * (furthestBehindMs + furthestAheadMs))
}
