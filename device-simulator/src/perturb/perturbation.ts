import type { Draft } from '../send.ts'

/** What perturbations may change about a device for a whole run. */
export interface Traits {
  /** Whether its messages name the run of the device. */
  boot: boolean
}

export interface Victim {
  /** Place among the devices of the fleet, and how many they are. */
  index: number
  of: number
  everyMs: number
  /** Whether its messages carry a time. */
  stamped: boolean
  /** Seed of the fleet, and chance of this device and this perturbation in [0, 1): deterministic, independent draws by `n`. */
  fleetSeed: number
  chance(n: number, draw?: number): number
  traits: Traits
  /** Start of the live part; before it lies history. */
  t0Ms: number
}

/** One way in which devices misbehave. `share` is how often, 0 to 1. */
export interface Perturbation {
  /** Its name in `perturb` of a file and in --perturb. */
  name: string
  /** Makes what bends each message of one device. */
  create(victim: Victim, share: number): (draft: Draft) => void
}
