import type { Perturbation } from './perturbation.ts'

const silentDevices = 0.34

/**
 * A device that does not name its runs starts anew: its numbers fall to 0 and nothing says why. About a third of the
 * devices become such devices. One that names its runs never does this: its numbers would mean two messages each; nor
 * does one without times, whose repetitions could not be told from new readings.
 */
export const silentReboot: Perturbation = {
  name: 'silent-reboot',
  create(victim, share) {
    if (victim.stamped && victim.chance(0, 2) < silentDevices) victim.traits.boot = false
    return (draft) => {
      if (!victim.traits.boot && victim.chance(draft.tick) < share) draft.restarts = true
    }
  },
}
