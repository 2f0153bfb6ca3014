import { z } from 'zod'

export const clockStates = ['good', 'skewed', 'drifting', 'jumped', 'unknown'] as const
export type ClockStateName = (typeof clockStates)[number]

const nullable = z.number().nullable()

/** A jump of a device's clock: above 0 it went ahead. */
const jump = z.object({ sizeMs: z.number(), atMs: z.number() })

/** What an agent's status says of the clocks of its devices, at `clock.devices`. */
export const deviceClocksSchema = z.object({
  /** How many devices are in which state. */
  states: z.record(z.enum(clockStates), z.int().nonnegative()),
  /** Those not good, the furthest off first and the unknown last, a few at most. `offsetMs` above 0: ahead of the agent. */
  worst: z.array(
    z.object({
      site: z.string(),
      device: z.string(),
      state: z.enum(clockStates),
      offsetMs: nullable,
      driftPpm: nullable,
      jump: jump.optional(),
      /** Why nothing can be said. */
      reason: z.string().optional(),
    }),
  ),
  /** Readings given another time since the agent's start. */
  restamped: z.int().nonnegative(),
  /** Where the devices agree with each other that the agent's own clock is off, and by how much. */
  suspect: z.object({ devices: z.int(), offsetMs: z.number() }).optional(),
})
export type DeviceClocksStatus = z.infer<typeof deviceClocksSchema>
