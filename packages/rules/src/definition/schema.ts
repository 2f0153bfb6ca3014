import { nameSchema, ruleOwners, severities } from '@millrace/contracts'
import { z } from 'zod'
import { duration } from './duration.ts'

/** Fields of a summary that a rule can judge. */
export const summaryFields = [
  'mean',
  'min',
  'max',
  'first',
  'last',
  'p50',
  'p95',
  'p99',
  'sum',
  'count',
  'stddev',
  'increase',
] as const
export type SummaryField = (typeof summaryFields)[number]

export const groupAggregates = ['mean', 'min', 'max', 'count', 'spread'] as const
export type GroupAggregate = (typeof groupAggregates)[number]

const globPattern = /^[A-Za-z0-9._:*?-]{1,64}$/
const glob = z.string().refine((text) => globPattern.test(text), 'a name of A-Z a-z 0-9 . _ : - with * or ? for any')
const globs = z.union([glob, z.array(glob).min(1)]).transform((one) => (typeof one === 'string' ? [one] : one))
const labelGlob = z.string().min(1).max(256)
const bound = z.number()
const pair = z.tuple([bound, bound]).refine(([low, high]) => low < high, 'two numbers, the lower one first')

const deviceSelect = {
  site: globs.optional(),
  device: globs.optional(),
  labels: z.record(nameSchema, labelGlob).default({}),
}
const forDevices = z.strictObject(deviceSelect).prefault({})
const forSeries = z.strictObject({ ...deviceSelect, metric: globs.optional() }).prefault({})

const moment = z
  .union([z.number(), z.string()])
  .transform((value) => (typeof value === 'number' ? value : Date.parse(value)))
  .refine(Number.isFinite, 'a time such as 2026-01-31T12:00:00Z, or epoch ms')
/** A span of a recording, of the series that it names. */
const spanOfTime = z.strictObject({
  site: glob.optional(),
  device: glob.optional(),
  metric: glob.optional(),
  from: moment,
  to: moment,
  note: z.string().optional(),
})
/** The recording that shows what a rule catches and what it does not. */
const evidence = z.strictObject({
  recording: z.string().min(1),
  map: z.string().min(1).optional(),
  catches: z.array(spanOfTime).min(1),
  misses: z.array(spanOfTime).min(1),
})
export type Evidence = z.output<typeof evidence>

const common = {
  id: nameSchema,
  at: z.enum(ruleOwners),
  severity: z.enum(severities).default('warning'),
  labels: z.record(nameSchema, z.string().max(256)).default({}),
  message: z.string().min(1).max(1_024).optional(),
  evidence: evidence.optional(),
}
const limits = {
  above: bound.optional(),
  below: bound.optional(),
  outside: pair.optional(),
  clear: z.union([bound, pair]).optional(),
}
const lasting = { for: duration.optional() }
const field = z.enum(summaryFields).default('mean')

export const ruleSchemas = {
  threshold: z.strictObject({
    ...{ ...common, ...limits, ...lasting, kind: z.literal('threshold'), select: forSeries },
    on: z.enum(['summary', 'reading']).default('summary'),
    field: z.enum(summaryFields).optional(),
  }),
  rate: z.strictObject({
    ...{ ...common, ...limits, ...lasting, kind: z.literal('rate'), select: forSeries, field },
    over: duration,
    per: duration,
  }),
  increase: z.strictObject({
    ...{ ...common, ...limits, ...lasting, kind: z.literal('increase'), select: forSeries },
    over: duration.optional(),
  }),
  silence: z.strictObject({
    ...{ ...common, kind: z.literal('silence'), for: duration },
    of: z.enum(['device', 'agent']).default('device'),
    select: z.strictObject({ ...deviceSelect, agent: globs.optional() }).prefault({}),
  }),
  incomplete: z.strictObject({
    ...{ ...common, ...lasting, kind: z.literal('incomplete'), select: forDevices },
    missing: z.number().min(0).optional(),
    missingMessages: z.number().min(0).optional(),
    clear: bound.optional(),
  }),
  group: z.strictObject({
    ...{ ...common, ...limits, ...lasting, kind: z.literal('group'), select: forSeries, field },
    of: z.enum(groupAggregates),
  }),
  deviation: z.strictObject({
    ...{ ...common, ...lasting, kind: z.literal('deviation'), select: forSeries, field },
    days: z.int().min(1).max(28).default(7),
    score: z.number().positive(),
    clear: z.number().positive().optional(),
    direction: z.enum(['above', 'below', 'both']).default('both'),
    evidence,
  }),
} as const

export type RuleKind = keyof typeof ruleSchemas
export const ruleKinds = Object.keys(ruleSchemas) as RuleKind[]

/** What a rule says, with its defaults filled in; durations in ms. */
export type RuleDefinition = { [Kind in RuleKind]: z.output<(typeof ruleSchemas)[Kind]> }[RuleKind]
export type DefinitionOf<Kind extends RuleKind> = Extract<RuleDefinition, { kind: Kind }>

/** Labels of the devices that two globs name; of several that match, later ones win per label. */
export const deviceLabelsSchema = z.strictObject({
  site: globs.optional(),
  device: globs.optional(),
  labels: z.record(nameSchema, z.string().max(256)),
})
export type DeviceLabels = z.output<typeof deviceLabelsSchema>
