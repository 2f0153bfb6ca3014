import { durationMs, type Logger } from '@millrace/pipeline'
import { z } from 'zod'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** A duration between two, whose error names the range. */
export function duration(minMs: number, maxMs: number, range: string) {
  return durationMs.refine((ms) => ms >= minMs && ms <= maxMs, range)
}

/** Divides one hour, at most 30 minutes. */
export const windowLength: z.ZodType<number> = durationMs.refine(
  (ms) => ms >= second && ms <= 30 * minute && hour % ms === 0,
  'a length from 1s to 30m that divides one hour, such as 1m, 5m or 30m',
)

/** How far a device's watermark stays behind its newest reading. */
export const windowLateness: z.ZodType<number> = duration(0, hour, 'a duration up to 1h')

const savedKey = 'windows'
const savedSchema = z.strictObject({ lengthMs: windowLength, latenessMs: windowLateness }).partial()

/** Times of the windows that the cloud asked for, in place of the config file's. */
export type AskedTimes = { lengthMs?: number; latenessMs?: number }

interface Store {
  load(key: string): Promise<Uint8Array | undefined>
  save(key: string, bytes: Uint8Array): Promise<void>
}

/** Those that were asked for before the last stop. */
export async function savedTimes(store: Store, log: Logger): Promise<AskedTimes> {
  const bytes = await store.load(savedKey)
  if (!bytes) return {}
  try {
    const { lengthMs, latenessMs } = savedSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return { ...(lengthMs === undefined ? {} : { lengthMs }), ...(latenessMs === undefined ? {} : { latenessMs }) }
  } catch (error) {
    log.warn({ error }, 'the window times of the last run could not be read')
    return {}
  }
}

export async function saveTimes(store: Store, times: AskedTimes): Promise<void> {
  await store.save(savedKey, Buffer.from(JSON.stringify(times)))
}
