/** Time is passed in: everything that needs a time of its own takes one of these. */
export interface Clock {
  /** Epoch ms, UTC. May step. */
  now(): number
  /** Ms since an arbitrary moment; never steps, and runs at the speed of `now`. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
}

export interface ManualClock extends Clock {
  /** Moves both scales on. */
  advance(ms: number): void
  /** Moves `now` alone, as a step of the wall clock does. */
  step(ms: number): void
}

/** A clock for tests that moves only when told. */
export function manualClock(startMs: number): ManualClock {
  let now = startMs
  let monotonic = 0
  return {
    now: () => now,
    monotonic: () => monotonic,
    advance(ms) {
      now += ms
      monotonic += ms
    },
    step(ms) {
      now += ms
    },
  }
}
