import { fileURLToPath } from 'node:url'
import { durationMs } from '@millrace/pipeline'
import { mqttSettings } from '@millrace/transports'
import { z } from 'zod'
import { perturbSchema } from './perturb/index.ts'

export const defaultFleet = fileURLToPath(new URL('../fleets/default.yaml', import.meta.url))

/** Settings of the simulator, in the file of --config and as flags, which win. */
export const settingsSchema = z
  .strictObject({
    /** The broker, and how to be let in. */
    ...mqttSettings.shape,
    url: mqttSettings.shape.url.default('mqtt://127.0.0.1:1883'),
    /**
     * Folder with a device connection string for each device, and where it is not Azure's own, ca.crt: every device sends
     * straight to the IoT Hub, on a connection of its own.
     */
    iotHub: z.string().min(1).optional(),
    /** Fleet file. */
    fleet: z.string().min(1).default(defaultFleet),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(1),
    /** How many devices instead of those in the fleet file. */
    devices: z.int().min(0).max(1_000_000).optional(),
    /** Readings a second of every sensor. */
    rate: z.number().positive().max(1_000).optional(),
    /** How many connections the devices share. */
    connections: z.int().min(1).max(10_000).default(1),
    /** How much of the past to publish first. */
    history: durationMs.default(0),
    /** How long to run, in event time; without, until stopped. */
    duration: durationMs.optional(),
    /** Clock file of the stack; without, the wall clock. */
    clock: z.string().min(1).optional(),
    /** Let a held clock run at this speed once the history is acknowledged. */
    clockRun: z.strictObject({ speed: z.number().positive().max(100_000) }).optional(),
    /** Folder for what was sent and acknowledged. */
    ledger: z.string().min(1).optional(),
    /** How often each perturbation happens, on top of the fleet file's. */
    perturb: perturbSchema.prefault({}),
    /** A recording to publish instead of a fleet, the file that describes its format, and which times it gets. */
    replay: z.string().min(1).optional(),
    map: z.string().min(1).optional(),
    at: z.enum(['now', 'original']).default('now'),
    /** Where the past of a printed fleet ends, ISO 8601; without, at the clock. */
    until: z
      .string()
      .refine((text) => !Number.isNaN(Date.parse(text)), 'a time such as 2026-01-05T12:00Z')
      .transform((text) => Date.parse(text))
      .optional(),
    logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  })
  .superRefine((settings, context) => {
    const issue = (path: string, message: string, input: unknown) =>
      context.addIssue({ code: 'custom', path: [path], message, input })
    if (settings.replay !== undefined && settings.map === undefined) {
      issue('map', 'the file that describes the format of the recording', undefined)
    }
    if (settings.map !== undefined && settings.replay === undefined)
      issue('replay', 'a recording for the map', undefined)
    if (settings.iotHub !== undefined && settings.replay !== undefined)
      issue('replay', 'a fleet, for a recording has no devices at a hub', settings.replay)
    if (settings.clockRun && settings.clock === undefined)
      issue('clock', 'the clock file that clockRun is for', undefined)
  })
export type Settings = z.output<typeof settingsSchema>
