import { checkConfig, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { windowLateness, windowLength } from '../window-times.ts'
import { seriesGlobs } from './series-filter.ts'

/** What the twin may ask for, under `millrace` in its desired properties; what is absent is as the config file has it. */
export const desiredSchema = z.strictObject({
  windows: z.strictObject({ length: windowLength.optional(), lateness: windowLateness.optional() }).prefault({}),
  /** Series whose live readings and provisional summaries are sent: `site/device/metric`, with `*`. */
  live: seriesGlobs.optional(),
  /** The set of rules that should run; the twin only says whether it does. */
  rules: z.strictObject({ version: z.string().min(1).max(64) }).optional(),
  quota: z.strictObject({ maxBlocksPerDay: z.int().positive().optional() }).prefault({}),
})
export type Desired = z.output<typeof desiredSchema>

export type ReadDesired = { ok: true; desired: Desired } | { ok: false; problems: string[] }

/** Nothing under `millrace` asks for nothing. */
export function readDesired(properties: Readonly<Record<string, unknown>>): ReadDesired {
  try {
    return { ok: true, desired: checkConfig(properties.millrace ?? {}, desiredSchema, 'the desired properties') }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const problems = error.problems.map(({ path, found, expected }) => `${path}: found ${found}; allowed: ${expected}`)
    return { ok: false, problems: problems.slice(0, 20).map((text) => text.slice(0, 400)) }
  }
}
