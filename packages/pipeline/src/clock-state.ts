import { z } from 'zod'

export const clockState = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('wall') }),
  z.strictObject({ mode: z.literal('held'), atMs: z.number() }),
  z.strictObject({ mode: z.literal('running'), fromMs: z.number(), wallMs: z.number(), speed: z.number().positive() }),
])

/** Times in epoch ms. `running` went on from `fromMs` when the wall clock showed `wallMs`, and stops gaining when it meets the wall clock. */
export type ClockState = z.infer<typeof clockState>

export interface TimeSource {
  /** The wall clock, epoch ms. */
  wall(): number
  /** Never steps, ms. */
  steady(): number
}

/** Event time in epoch ms at a moment of the wall clock. */
export function clockNow(state: ClockState, wallMs: number): number {
  if (state.mode === 'held') return state.atMs
  if (state.mode === 'wall') return wallMs
  return Math.min(state.fromMs + (wallMs - state.wallMs) * state.speed, wallMs)
}
