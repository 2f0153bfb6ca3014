import { nameSchema } from '@millrace/contracts'
import { checkConfig, UsageError } from '@millrace/pipeline'
import type { HubMethod } from '@millrace/transports'
import { z } from 'zod'
import { duration } from '../window-times.ts'
import type { Remote } from './remote.ts'
import { seriesGlobs } from './series-filter.ts'

const minute = 60_000
const flushSchema = z.strictObject({ within: duration(0, 5 * minute, 'a duration up to 5m').default(20_000) })
const explainSchema = z.strictObject({
  ...{ site: nameSchema, device: nameSchema, metric: nameSchema.optional() },
  start: z.number().nonnegative().optional(),
})
const liveSchema = z.strictObject({
  series: seriesGlobs,
  for: duration(1_000, 1_440 * minute, 'a duration from 1s to 24h').default(10 * minute),
})

export interface MethodParts {
  remote(): Remote
  /** Other series than those of the settings, for a time. */
  setLive(globs: readonly string[], forMs: number): void
}

/** Bad parameters are answered with 400 and every problem. */
function method<Schema extends z.ZodType>(
  schema: Schema,
  answer: (parameters: z.output<Schema>) => Promise<{ status: number; payload: unknown }>,
): HubMethod {
  return async (payload) => {
    try {
      return await answer(checkConfig(payload ?? {}, schema, 'the parameters'))
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return { status: 400, payload: { error: error.message, problems: error.problems } }
    }
  }
}

/** The direct methods of an agent. */
export function hubMethods({ remote, setLive }: MethodParts): Record<string, HubMethod> {
  return {
    ping: method(z.looseObject({}), async () => {
      const { agent, site, version, epoch, uptimeMs, clock, unaccounted } = await remote().status()
      return { status: 200, payload: { agent, site, version, epoch, uptimeMs, nowMs: clock.nowMs, unaccounted } }
    }),
    flush: method(flushSchema, async ({ within }) => {
      const { outboxMessages } = await remote().flush(within)
      return { status: outboxMessages === 0 ? 200 : 202, payload: { outboxMessages } }
    }),
    explain: method(explainSchema, async ({ metric, start, ...device }) => {
      const window = { ...(metric === undefined ? {} : { metric }), ...(start === undefined ? {} : { start }) }
      const found = await remote().explain({ ...device, ...window })
      return found
        ? { status: 200, payload: found }
        : { status: 404, payload: { error: 'this agent has not heard of it' } }
    }),
    setLive: method(liveSchema, async ({ series, for: forMs }) => {
      setLive(series, forMs)
      return { status: 200, payload: { series, forMs } }
    }),
  }
}
