import { findMetric, nameSchema } from '@millrace/contracts'
import { z } from 'zod'
import { patternProblem } from '../topic-pattern.ts'
import { isZone } from './local-time.ts'
import { pointerProblem } from './pointer-pattern.ts'

/** A text that a function finds no fault with; what it says is shown as what is allowed. */
function checked(problemOf: (text: string) => string | undefined) {
  return z.string().superRefine((text, context) => {
    const message = problemOf(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })
}

/** Why a metric cannot have a unit, said as what is allowed: all who show one of the catalogue know it in one unit. */
export function unitProblem(metric: string, unit: string | undefined): string | undefined {
  const known = findMetric(metric)
  if (known === undefined || unit === undefined || unit === known.unit) return undefined
  return `${known.unit || 'no unit'}, which is the catalogue's for ${metric}: use scale and offset, or another name`
}

const topic = checked(patternProblem)
const pointers = checked(pointerProblem)
const pointer = checked((text) => pointerProblem(text) ?? (text.includes('*') ? 'a JSON pointer without *' : undefined))
const zone = z.string().refine(isZone, 'a time zone such as Europe/Berlin or UTC')
const words = z.record(z.string(), z.number().nullable())
const template = z.string().min(1).max(200)

const time = z
  .strictObject({
    at: pointer,
    /** auto: a number is s or ms by its size, text is ISO 8601 with a zone; local: a clock of `zone` without one. */
    format: z.enum(['auto', 's', 'ms', 'iso', 'local']).default('auto'),
    zone: zone.optional(),
    /** For a member that is no time: the time of arrival counts, or the message is set aside. */
    otherwise: z.enum(['set-aside', 'arrival']).default('set-aside'),
  })
  .refine(({ format, zone: named }) => format !== 'local' || named !== undefined, 'a zone for the format local')

const metric = z
  .strictObject({
    /** JSON pointer, with globs; empty for the whole payload. */
    at: pointers,
    /** `{1}`, `{2}` are what the globs stood for, `{path}` is the path with dots, others are captures of the topic. */
    name: template.optional(),
    unit: z.string().max(16).optional(),
    kind: z.enum(['gauge', 'counter', 'state']).optional(),
    scale: z.number().default(1),
    offset: z.number().default(0),
    words: words.optional(),
    /** Only in messages that hold this member, or hold it with this value. */
    when: z.strictObject({ at: pointer, is: z.union([z.string(), z.number(), z.boolean()]).optional() }).optional(),
    /** For text that is no number and no known word. */
    otherwise: z.enum(['set-aside', 'ignore']).optional(),
  })
  .superRefine(({ at, name = at.slice(1).replaceAll('/', '.'), unit }, context) => {
    const message = unitProblem(name, unit)
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['unit'], message })
  })

const mapping = z.strictObject({
  topic,
  /** The messages hold no readings and are no dead letters either. */
  ignore: z.literal(true).optional(),
  /** What the topic captures as {site}, else the decoder's, unless set. */
  site: template.optional(),
  device: template.default('{device}'),
  payload: z.enum(['json', 'text']).default('json'),
  time: time.optional(),
  metrics: z
    .array(metric)
    .min(1)
    .max(200)
    .default([{ at: '/**', scale: 1, offset: 0 }]),
  /** Members that are no readings whatever they hold. */
  skip: z.array(pointers).max(200).default([]),
  words: words.optional(),
})

export type TimeSettings = z.output<typeof time>
export type MetricSettings = z.output<typeof metric>
export type MappingSettings = z.output<typeof mapping>
/** As in a config file: what has a default may be left out. */
export type MappingInput = z.input<typeof mapping>

export const mappingSchema = mapping
export const siteSchema = nameSchema
export const zoneSchema = zone
export const rootSchema = checked((text) =>
  /[{}+#]/.test(text) ? 'a topic prefix without placeholders' : patternProblem(text),
)
/** Names of devices as they shall be, by what their firmware calls them. */
export const namesSchema = z.record(z.string(), nameSchema)
