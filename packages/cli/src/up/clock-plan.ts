import { type ClockState, clockNow } from '@millrace/pipeline'

const dayMs = 86_400_000

export interface ClockPlan {
  /** What the clock file says when the stack starts. */
  state: ClockState
  /** Speed at which the simulator lets the clock run once the past is published; undefined for the wall clock. */
  speed?: number
}

export interface ClockWish {
  speed?: number
  durationMs?: number
  /** What the file said before; undefined at the first start. */
  before?: ClockState
  wallMs: number
}

/**
 * Without a speed and a duration event time is the wall clock. Else it begins a duration (a day without one) ago, or
 * where the clock of an earlier run stood if that is later, and stands there until the past is published.
 */
export function planClock({ speed, durationMs, before, wallMs }: ClockWish): ClockPlan {
  if (speed === undefined && durationMs === undefined) return { state: { mode: 'wall' } }
  const begin = wallMs - (durationMs ?? dayMs)
  const reached = before ? clockNow(before, wallMs) : begin
  return { state: { mode: 'held', atMs: Math.max(begin, reached) }, speed: speed ?? 1 }
}
