import { nameSchema, severities } from '@millrace/contracts'
import { durationMs } from '@millrace/pipeline'
import { z } from 'zod'
import { isZone } from './quiet-hours.ts'

const glob = z.string().min(1).max(128)
const globs = z.union([glob, z.array(glob).min(1)])

/** Which alerts a channel is told of; what is absent matches everything, and all that is given must match. */
export const matchSettings = z.strictObject({
  /** At least this severity. */
  severity: z.enum(severities).optional(),
  rule: globs.optional(),
  site: globs.optional(),
  device: globs.optional(),
  metric: globs.optional(),
  labels: z.record(nameSchema, glob).optional(),
})
export type MatchSettings = z.output<typeof matchSettings>

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 22:00')
const day = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])

/** From `from` until `to`, over midnight where `to` is not later, alerts less severe than `below` wait. */
export const quietSettings = z.strictObject({
  from: clockTime,
  to: clockTime,
  zone: z.string().refine(isZone, 'an IANA time zone such as UTC or Europe/Berlin').default('UTC'),
  below: z.enum(severities).default('critical'),
  /** Days on which it begins; every day unless given. */
  days: z.array(day).min(1).optional(),
})
export type QuietSettings = z.output<typeof quietSettings>

/** How a channel is paced; in a channel they replace those of all channels. */
const pace = {
  /** How long the first alert of a group (same rule and site) waits for company. */
  groupWait: durationMs.optional(),
  /** Shortest time between two notices that one group asks for. */
  groupEvery: durationMs.optional(),
  /** Repeats what is still active and not acknowledged; `never` for none. */
  remindEvery: z
    .union([z.literal('never'), durationMs.refine((ms) => ms >= 60_000, 'at least 1m, or never')])
    .optional(),
  /** More are merged into the next notice. */
  maxPerMinute: z.int().min(1).max(10_000).optional(),
  quietHours: z.array(quietSettings).optional(),
}
export const paceSettings = z.object(pace)
export type PaceSettings = z.output<typeof paceSettings>

/** What every channel can be told, whatever its type. */
export const channelSettings = z.object({
  /** Names the channel in status, log and idempotency keys: told again from the start under another name. */
  name: nameSchema,
  match: matchSettings.optional(),
  /** How long one try may take. */
  timeout: durationMs.refine((ms) => ms >= 100 && ms <= 300_000, 'a duration from 100ms to 5m').default(10_000),
  ...pace,
})
export type ChannelSettings = z.output<typeof channelSettings>
