import { checkConfig, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { windowLateness, windowLength } from '../window-times.ts'
import { seriesGlobs } from './series-filter.ts'

const common = {
  windows: z.strictObject({ length: windowLength.optional(), lateness: windowLateness.optional() }).prefault({}),
  /** Series whose live readings and provisional summaries are sent: `site/device/metric`, with `*`. */
  live: seriesGlobs.optional(),
  /** The set of rules that should run; the agent only says whether it does. */
  rules: z.strictObject({ version: z.string().min(1).max(64) }).optional(),
}

/** What the twin may ask for, under `millrace` in its desired properties; what is absent is as the config file has it. */
const twinSchema = z.strictObject({
  ...common,
  quota: z.strictObject({ maxBlocksPerDay: z.int().positive().optional() }).prefault({}),
})
export type Desired = z.output<typeof twinSchema>

/** The same over MQTT, which meters nothing, as a body of kind `config`. */
const bodySchema = z.strictObject({ v: z.literal(1), version: z.int().nonnegative(), ...common })

export type ReadDesired = { ok: true; desired: Desired } | { ok: false; problems: string[] }

function read(find: () => Desired): ReadDesired {
  try {
    return { ok: true, desired: find() }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const problems = error.problems.map(({ path, found, expected }) => `${path}: found ${found}; allowed: ${expected}`)
    return { ok: false, problems: problems.slice(0, 20).map((text) => text.slice(0, 400)) }
  }
}

export function readDesired(asked: unknown): ReadDesired {
  return read(() => checkConfig(asked, twinSchema, 'the desired properties'))
}

/** A body without anything asks for nothing. */
export function readAsked(asked: unknown): ReadDesired {
  const isEmpty = typeof asked === 'object' && asked !== null && Object.keys(asked).length === 0
  const body = isEmpty ? { v: 1, version: 0 } : asked
  return read(() => {
    const { v: _v, version: _version, ...desired } = checkConfig(body, bodySchema, 'the config message')
    return { ...desired, quota: {} }
  })
}
