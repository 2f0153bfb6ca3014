import type { Clock } from '@millrace/pipeline'

/** Longer than the minima that a slope is made of are kept. */
const calmMs = 20 * 60_000
const tolerance = 0.01
const shortestMs = 1_000

/**
 * Tells whether the agent's clock has lately run at the speed of real time. Where it runs faster, as in a simulated stack,
 * so do the delays of the machine, and what they do is no drift of anyone's clock.
 */
export function steadiness(clock: Clock, real: () => number = () => performance.now()): () => boolean {
  let lastMs = clock.monotonic()
  let lastRealMs = real()
  let unsteadyAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const nowMs = clock.monotonic()
    const passedMs = real() - lastRealMs
    if (passedMs >= shortestMs) {
      if (Math.abs((nowMs - lastMs) / passedMs - 1) > tolerance) unsteadyAtMs = nowMs
      lastMs = nowMs
      lastRealMs += passedMs
    }
    return nowMs - unsteadyAtMs > calmMs
  }
}
