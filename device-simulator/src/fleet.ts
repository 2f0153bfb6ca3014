import { isName } from '@millrace/contracts'
import { durationMs } from '@millrace/pipeline'
import { z } from 'zod'
import { sensors } from './generate/index.ts'
import { perturbSchema } from './perturb/index.ts'
import { placeSchema } from './room.ts'

const minEveryMs = 1
const name = z.string().refine(isName, '1 to 64 of A-Z a-z 0-9 . _ : -')
const interval = durationMs.refine((ms) => Number.isInteger(ms) && ms >= minEveryMs, 'at least 1ms')

type SensorSettings = { type: string; every?: number }

const deviceSchema = z
  .strictObject({
    device: name,
    /** How many like it; from two on they are named `device-1`, `device-2`, ... */
    count: z.int().min(1).max(100_000).default(1),
    /** Time between two messages. */
    every: interval.default(1_000),
    /** How much later than planned a message may be taken, at most, different each time. */
    jitter: durationMs.default(0),
    /** Whether messages name the run of the device that made them. */
    boot: z.boolean().default(true),
    /** Whether messages carry a time. Without one they have no past, and need `boot` to be known again. */
    stamped: z.boolean().default(true),
    place: placeSchema.prefault({}),
    sensors: z.array(sensors.schema as z.ZodType<SensorSettings>).min(1),
  })
  .superRefine(checkSensors)

/** The fleet file: sites with devices with sensors. */
export const fleetSchema = z
  .strictObject({
    sites: z
      .array(
        z.strictObject({
          site: name,
          /** Local time, for the rhythm of the day. */
          utcOffset: z.number().min(-12).max(14).default(0),
          devices: z.array(deviceSchema).min(1),
        }),
      )
      .min(1),
    perturb: perturbSchema.prefault({}),
  })
  .superRefine(checkNames)
export type Fleet = z.output<typeof fleetSchema>
export type FleetDevice = Fleet['sites'][number]['devices'][number]

interface SensorsOfDevice {
  every: number
  jitter: number
  boot: boolean
  stamped: boolean
  sensors: SensorSettings[]
}

function checkSensors(device: SensorsOfDevice, context: z.RefinementCtx): void {
  const types = device.sensors.map(({ type }) => type)
  const issue = (path: PropertyKey[], message: string, input: unknown) =>
    context.addIssue({ code: 'custom', path, message, input })
  device.sensors.forEach(({ type, every }, index) => {
    if (types.indexOf(type) < index) issue(['sensors', index, 'type'], 'each type once a device', type)
    if (every !== undefined && (every < device.every || every % device.every !== 0)) {
      issue(['sensors', index, 'every'], `a whole multiple of the device's ${device.every}ms`, every)
    }
  })
  if (device.sensors.every(({ every }) => every !== undefined && every > device.every)) {
    issue(['every'], 'the interval of at least one of its sensors', device.every)
  }
  if (!device.stamped && !device.boot) issue(['boot'], 'true where stamped is false', device.boot)
  if (device.jitter >= device.every) issue(['jitter'], `less than the device's ${device.every}ms`, device.jitter)
}

function checkNames(fleet: { sites: { site: string; devices: FleetDevice[] }[] }, context: z.RefinementCtx): void {
  const seen = new Set<string>()
  const named = fleet.sites.flatMap(({ site, devices }, siteIndex) =>
    devices.flatMap((device, index) =>
      namesOf(device).map((each) => ({ site, each, path: ['sites', siteIndex, 'devices', index, 'device'] })),
    ),
  )
  for (const { site, each, path } of named) {
    const full = `${site}/${each}`
    if (seen.has(full)) context.addIssue({ code: 'custom', path, message: 'a name of its own', input: full })
    if (!isName(each)) context.addIssue({ code: 'custom', path, message: 'a shorter name', input: each })
    seen.add(full)
  }
}

/** Names of the devices that one entry of the fleet file stands for. */
export function namesOf({ device, count }: { device: string; count: number }): string[] {
  return count === 1 ? [device] : Array.from({ length: count }, (_none, index) => `${device}-${index + 1}`)
}
