import { unit } from './random.ts'
import type { Room } from './room.ts'

const hourMs = 3_600_000
/** How much the running time of a cycle may differ from the mean, as a share of it. */
const unevenness = 0.3

/** Installed some time after this; before it a meter stands at 0. */
const firstInstallMs = Date.UTC(2020, 0, 1)

export function installedMs(room: Room, purpose: string): number {
  return firstInstallMs + Math.floor(unit(room.seed(purpose), 0) * 1_000) * 24 * hourMs
}

/** A machine with a duty cycle; power and energy belong together at every moment. */
export interface Machine {
  watts(atMs: number): number
  wattHours(atMs: number): number
}

/**
 * Up to the start of cycle n the machine has run (n + jitter(n)) mean running times, with a jitter below 1. So both
 * power and its integral are known at any moment without adding up the past, and every cycle is a little different.
 */
export function createMachine(room: Room): Machine {
  const { idleWatts, runWatts, cycle, duty } = room.place
  const startMs = installedMs(room, 'machine')
  const seed = room.seed('cycles')
  const jitter = (n: number) => unevenness * unit(seed, n)
  const position = (atMs: number) => {
    const since = Math.max(0, atMs - startMs) / cycle
    const n = Math.floor(since)
    const running = duty * (1 + jitter(n + 1) - jitter(n))
    return { n, within: since - n, running }
  }
  return {
    watts(atMs) {
      const { within, running } = position(atMs)
      return within < running ? idleWatts + runWatts : idleWatts
    },
    wattHours(atMs) {
      const { n, within, running } = position(atMs)
      const cyclesRun = duty * (n + jitter(n) - jitter(0)) + Math.min(within, running)
      return (idleWatts * Math.max(0, atMs - startMs) + runWatts * cyclesRun * cycle) / hourMs
    },
  }
}
