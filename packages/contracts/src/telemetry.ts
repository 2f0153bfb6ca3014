import { z } from 'zod'
import { endTimeMs, maxAbsoluteValue, maxMetricsPerObject, minTimeMs, secondsBelow } from './limits.ts'
import { nameSchema } from './name.ts'

/** A reading's value: a finite number up to 1e100 in size; true is 1 and false is 0. */
export const valueSchema = z
  .union([z.number(), z.boolean()])
  .transform(Number)
  .refine((value) => Math.abs(value) <= maxAbsoluteValue, 'out of range')

/** Event time in epoch ms: a number (seconds below 1e11) or ISO 8601 text with a zone, from 2000 to 2100. */
export const timeSchema = z
  .union([z.number(), z.iso.datetime({ offset: true })])
  .transform((time) => (typeof time === 'string' ? Date.parse(time) : time < secondsBelow ? time * 1000 : time))
  .transform((ms) => Math.round(ms))
  .refine((ms) => ms >= minTimeMs && ms < endTimeMs, 'bad-time')

const envelope = {
  ts: timeSchema.optional(),
  seq: z.int().nonnegative().optional(),
  boot: nameSchema.optional(),
}

/** One object on `telemetry/{site}/{device}`. Values are judged one by one, so a bad one leaves its neighbours. */
export const deviceObjectSchema = z.object({
  ...envelope,
  readings: z
    .record(z.string(), z.unknown())
    .refine((readings) => Object.keys(readings).length <= maxMetricsPerObject, 'too-many-metrics'),
})
export const deviceMessageSchema = z.union([deviceObjectSchema, z.array(deviceObjectSchema)])

/** The payload on `telemetry/{site}/{device}/{metric}`: a bare value or an object around one. */
export const metricObjectSchema = z.object({ ...envelope, value: z.unknown() })

/** Why an input was set aside: on the wire of dead letters, accounts and metrics. */
export const setAsideReasons = [
  'bad-json',
  'bad-utf8',
  'bad-shape',
  'bad-time',
  'bad-name',
  'bad-topic',
  'bad-value',
  'bad-unit',
  'too-large',
  'too-deep',
  'too-many-metrics',
  'too-many-readings',
  'too-many-series',
  'future',
  'too-late',
  'skewed-clock',
  'over-rate',
  'conflict',
  'bad-body',
  'identity',
  'direct-device',
  'beyond-retention',
  'late-part',
  'refused-by-store',
] as const
export type SetAsideReason = (typeof setAsideReasons)[number]
