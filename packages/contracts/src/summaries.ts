import { z } from 'zod'
import { rulesStatusSchema } from './alerts.ts'
import { nameSchema } from './name.ts'

const ms = z.number()
const count = z.int().nonnegative()
const value = z.number()
const nullable = z.number().nullable()
const names = z.array(nameSchema)

/** One array per field, all of one length; `start` and `*Ts` are epoch ms, `lengthMs` is the window's length. */
const rowColumns = {
  device: names,
  metric: names,
  unit: z.array(z.string().max(32)),
  start: z.array(ms),
  lengthMs: z.array(z.int().positive()),
  count: z.array(count),
  sum: z.array(value),
  min: z.array(value),
  max: z.array(value),
  mean: z.array(value),
  /** Of the population. */
  stddev: z.array(value),
  first: z.array(value),
  firstTs: z.array(ms),
  last: z.array(value),
  lastTs: z.array(ms),
  /** Nearest rank: index ceil(q n) - 1 of the sorted values. */
  p50: z.array(value),
  p95: z.array(value),
  p99: z.array(value),
  /** DDSketch, 1 % relative error, base64. */
  sketch: z.array(z.string().max(65_536)),
  /** Growth of a counter inside the window, resets understood; null for other kinds. */
  increase: z.array(nullable),
  amended: z.array(count),
  duplicate: z.array(count),
  unstamped: z.array(count),
}

function equalLengths(columns: Record<string, readonly unknown[]>): boolean {
  const [first, ...rest] = Object.values(columns)
  return rest.every((column) => column.length === first?.length)
}

export const summaryColumnsSchema = z
  .object({ ...rowColumns, rev: z.array(count) })
  .refine(equalLengths, 'columns differ in length')
export type SummaryColumns = z.infer<typeof summaryColumnsSchema>

export const provisionalColumnsSchema = z.object(rowColumns).refine(equalLengths, 'columns differ in length')
export type ProvisionalColumns = z.infer<typeof provisionalColumnsSchema>

/** One summary, as the HTTP API shows it and stores keep it. `rev` is absent where it is provisional. */
export interface SummaryRow {
  device: string
  metric: string
  unit: string
  start: number
  lengthMs: number
  rev: number
  count: number
  sum: number
  min: number
  max: number
  mean: number
  stddev: number
  first: number
  firstTs: number
  last: number
  lastTs: number
  p50: number
  p95: number
  p99: number
  sketch: string
  increase: number | null
  amended: number
  duplicate: number
  unstamped: number
}

export const completenessColumnsSchema = z
  .object({
    device: names,
    boot: z.array(nameSchema.nullable()),
    start: z.array(ms),
    lengthMs: z.array(z.int().positive()),
    rev: z.array(count),
    /** Null where the device sends no `seq`. */
    firstSeq: z.array(nullable),
    lastSeq: z.array(nullable),
    /** Distinct messages, those set aside included. */
    messages: z.array(count),
  })
  .refine(equalLengths, 'columns differ in length')
export type CompletenessColumns = z.infer<typeof completenessColumnsSchema>

const reasons = z.array(z.record(z.string(), count))

/**
 * The devices' accounts as the checkpoint that made this message left them, in readings:
 * accepted = closed + open + duplicate + tooLate + invalid + dropped.
 * `sent`: readings in the newest revision of every window in messages up to this `seq`.
 */
export const accountsSchema = z
  .object({
    device: names,
    accepted: z.array(count),
    closed: z.array(count),
    open: z.array(count),
    duplicate: z.array(count),
    tooLate: z.array(count),
    invalid: reasons,
    dropped: reasons,
    sent: z.array(count),
    /** How many of `accepted` came with QoS 0, outside the promise. */
    qos0: z.array(count),
  })
  .refine(equalLengths, 'columns differ in length')
export type AccountsColumns = z.infer<typeof accountsSchema>

const head = {
  v: z.literal(1),
  agent: nameSchema,
  spool: nameSchema,
  /** Names the start of the agent that made the message. */
  epoch: nameSchema,
  site: nameSchema,
}

export const summariesBodySchema = z.object({
  ...head,
  seq: count,
  columns: summaryColumnsSchema,
  completeness: completenessColumnsSchema,
  accounts: accountsSchema,
  /** When a checkpoint made it, epoch ms by the agent's clock, and under which settings; absent from earlier releases. */
  made: ms.optional().catch(undefined),
  settingsHash: z.string().max(64).optional().catch(undefined),
})
export type SummariesBody = z.infer<typeof summariesBodySchema>

/** Open windows, best effort; `at` is the agent's time. */
export const provisionalBodySchema = z.object({ ...head, at: ms, columns: provisionalColumnsSchema })
export type ProvisionalBody = z.infer<typeof provisionalBodySchema>

/** Cumulative: messages 0 to `upTo` and those in `ranges` (inclusive pairs) are in the ingest's spool or are its dead letters. `upTo` is -1 when none is. */
export const receiptSchema = z.object({
  spool: nameSchema,
  upTo: z.int().min(-1),
  ranges: z.array(z.tuple([count, count])),
  /** True: from an ingest that answers a status whose `spool.asks` is true. */
  greets: z.boolean().optional(),
  /** That answer: what it has of the spool, all sites. `to` is the epoch that asked; `epochs` are of the newest messages. */
  standing: z
    .object({
      to: nameSchema,
      sites: z.array(z.object({ site: nameSchema, newest: z.int().min(-1), epochs: z.array(nameSchema) })),
    })
    .optional(),
})
export type Receipt = z.infer<typeof receiptSchema>

/** Newest readings, at most one per series and second, best effort. */
export const liveBodySchema = z.object({
  v: z.literal(1),
  agent: nameSchema,
  site: nameSchema,
  columns: z
    .object({ device: names, metric: names, unit: z.array(z.string().max(32)), ts: z.array(ms), value: z.array(value) })
    .refine(equalLengths, 'columns differ in length'),
})
export type LiveBody = z.infer<typeof liveBodySchema>

/** What became of the newest settings that the cloud asked for: `config` over MQTT, the twin over IoT Hub. */
export const settingsReportSchema = z.object({
  version: z.number().nullable(),
  /** `none`: nothing is asked for. */
  state: z.enum(['none', 'applied', 'refused']),
  problems: z.array(z.string()),
})
export type SettingsReport = z.infer<typeof settingsReportSchema>

/** Retained birth and last will of an agent. The will carries `online: false` and the names alone. */
export const statusBodySchema = z.object({
  v: z.literal(1),
  agent: nameSchema,
  site: nameSchema,
  online: z.boolean(),
  at: ms.optional(),
  version: z.string().optional(),
  epoch: nameSchema.optional(),
  settingsHash: z.string().optional(),
  settings: settingsReportSchema.optional().catch(undefined),
  clock: z.record(z.string(), z.unknown()).optional(),
  spool: z.record(z.string(), z.unknown()).optional(),
  counters: z.record(z.string(), z.unknown()).optional(),
  /** Where the agent has rules. */
  rules: rulesStatusSchema.optional(),
})
export type StatusBody = z.infer<typeof statusBodySchema>
