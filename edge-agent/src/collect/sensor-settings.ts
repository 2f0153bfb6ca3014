import { nameSchema } from '@millrace/contracts'
import { durationMs } from '@millrace/pipeline'
import { z } from 'zod'

/** What every kind of sensor can be told. */
export const sensorSettings = z.object({
  /** Time between two looks. */
  every: durationMs.refine((ms) => ms >= 100 && ms <= 3_600_000, 'a duration from 100ms to 1h').default(10_000),
})

/** Names of devices in place of the ones they have in `/sys`. */
export const deviceNames = z.record(z.string(), nameSchema).default({})

/** A name that every stage accepts. */
export function nameFrom(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._:-]/g, '-').slice(0, 64)
}
