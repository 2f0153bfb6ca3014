import { type ClockState, clockNow, type TimeSource } from './clock-state.ts'

export interface ClockFollower {
  now(): number
  monotonic(): number
  /** The state was looked at and is the same. */
  keep(): void
  /** The state is another since some moment after the last look. */
  change(next: ClockState): void
}

/** The steady moment at which a running clock meets the wall clock and goes on at its speed. */
function meetingOf(state: ClockState, time: TimeSource): number {
  if (state.mode !== 'running' || state.speed <= 1) return Number.POSITIVE_INFINITY
  const wallMs = (state.wallMs * state.speed - state.fromMs) / (state.speed - 1)
  return time.steady() + wallMs - time.wall()
}

/** Ms that the scale gains while the steady clock goes from one moment to another. */
function gained(state: ClockState, meetsAt: number, span: { from: number; to: number }): number {
  const elapsed = span.to - span.from
  if (state.mode === 'held') return 0
  if (state.mode === 'wall') return elapsed
  const fast = Math.max(0, Math.min(span.to, meetsAt) - span.from)
  return fast * state.speed + elapsed - fast
}

/**
 * Both scales of a clock whose state is looked up now and then. A running state is noticed late, so the monotonic
 * scale is credited with what it missed: else `now` would seem to step against it each time the clock starts.
 */
export function followClock(first: ClockState, time: TimeSource): ClockFollower {
  let state = first
  let meetsAt = meetingOf(state, time)
  let lookedAt = time.steady()
  let last = lookedAt
  let total = 0
  const monotonic = () => {
    const to = time.steady()
    total += gained(state, meetsAt, { from: last, to })
    last = to
    return total
  }
  return {
    now: () => clockNow(state, time.wall()),
    monotonic,
    keep() {
      lookedAt = time.steady()
    },
    change(next) {
      monotonic()
      const began = next.mode === 'running' ? last - (time.wall() - next.wallMs) : last
      const span = { from: Math.max(lookedAt, Math.min(began, last)), to: last }
      const credited = gained(state, meetsAt, span)
      state = next
      meetsAt = meetingOf(state, time)
      total += Math.max(0, gained(state, meetsAt, span) - credited)
      lookedAt = last
    },
  }
}
