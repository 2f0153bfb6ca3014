import { alertStates, endTimeMs, nameSchema, severities, steps } from '@millrace/contracts'
import { checkConfig } from '@millrace/pipeline'
import { z } from 'zod'

const hourMs = 3_600_000

/** Stores can bear no time far beyond; who wants all there is names one. */
const withinReach = (ms: number) => Math.min(Math.max(ms, 0), endTimeMs)

/** Epoch ms, or ISO 8601 with a zone. */
const moment = z
  .string()
  .refine((text) => /^\d+(\.\d+)?$/.test(text) || z.iso.datetime({ offset: true }).safeParse(text).success, {
    message: 'epoch ms, or ISO 8601 with a zone',
  })
  .transform((text) => withinReach(/^\d/.test(text) && !text.includes('-') ? Number(text) : Date.parse(text)))

const span = { from: moment.optional(), to: moment.optional(), store: z.string().optional() }
const series = { site: nameSchema, device: nameSchema, metric: nameSchema }

export const summariesQuery = z.object({
  ...series,
  ...span,
  step: z.enum(steps).default('1m'),
  sketch: z.enum(['0', '1']).default('0'),
})
export const explainQuery = z.object({ ...series, start: moment })
export const readingsQuery = z.object({ ...series, ...span })
export const completenessQuery = z.object({ site: nameSchema.optional(), device: nameSchema.optional(), ...span })
export const liveQuery = z.object({ site: nameSchema.optional() })
export const marksQuery = z.object({ from: moment.optional(), to: moment.optional() })
export const backupQuery = z.object({ store: z.string().optional() })
export const accountsQuery = z.object({ devices: z.enum(['0', '1']).default('1') })

export const alertsQuery = z.object({
  state: z.enum(alertStates).optional(),
  severity: z.enum(severities).optional(),
  ...{ site: nameSchema.optional(), device: nameSchema.optional(), rule: nameSchema.optional() },
  ...{ from: moment.optional(), to: moment.optional() },
  /** Of alerts that are over; active ones come beside them. */
  limit: z.coerce.number().int().min(0).max(10_000).default(1_000),
})

/** Throws a UsageError that names every wrong parameter; the server answers it with 400. */
export function readQuery<Schema extends z.ZodType>(query: unknown, schema: Schema): z.output<Schema> {
  return checkConfig(query, schema, 'the query')
}

/** The last hour where nothing is asked for; the end is not included. */
export function spanOf({ from, to }: { from?: number | undefined; to?: number | undefined }, nowMs: number) {
  const end = to ?? nowMs + hourMs
  return { from: from ?? Math.min(end, nowMs) - hourMs, to: end }
}
