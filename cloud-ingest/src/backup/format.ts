import { type Alert, alertSchema, nameSchema } from '@millrace/contracts'
import { z } from 'zod'
import type { CompletenessRow, StoredRow } from '../stored.ts'

/**
 * A backup is a gzip file of lines of JSON: a head; the ingest's spool, an SQLite file, in pieces; every row and alert of
 * one store, whatever it is made of; and an end that counts them, without which the file is not whole.
 */
export const format = 'millrace-backup'
export const version = 2
/** Version 1 had no alerts. */
export const readable: readonly number[] = [1, version]

export interface Head {
  format: string
  version: number
  /** Store that the rows come from. */
  store: string
  /** Epoch ms, of the ingest's clock. */
  atMs: number
}

export type Line =
  | Head
  | { spool: string }
  | { rows: readonly StoredRow[] }
  | { completeness: readonly CompletenessRow[] }
  | { alerts: readonly Alert[] }
  | { end: Counts }

export interface Counts {
  spoolBytes: number
  rows: number
  completeness: number
  alerts: number
}

const counts = z.strictObject({ spoolBytes: z.int(), rows: z.int(), completeness: z.int(), alerts: z.int().default(0) })
const number = z.number()
const text = z.string()

/** Fields that somebody else has added to a measurement are left behind. */
const row = z.object({
  ...{ site: nameSchema, device: nameSchema, metric: nameSchema, agent: nameSchema, spool: nameSchema, unit: text },
  ...{ sketch: text, start: number, lengthMs: number, rev: number, parts: number, count: number, sum: number },
  ...{ min: number, max: number, mean: number, stddev: number, first: number, firstTs: number, last: number },
  ...{ lastTs: number, p50: number, p95: number, p99: number, increase: number.nullable(), amended: number },
  ...{ duplicate: number, unstamped: number },
})
const share = z.object({
  ...{ boot: nameSchema.nullable(), firstSeq: number.nullable(), lastSeq: number.nullable(), messages: number },
})
const completeness = z.object({
  ...{ site: nameSchema, device: nameSchema, start: number, lengthMs: number, rev: number, boots: z.array(share) },
})

export const headSchema = z.object({ format: z.literal(format), version: number, store: text, atMs: number })
export const lineSchema = z.union([
  z.strictObject({ rows: z.array(row) }),
  z.strictObject({ completeness: z.array(completeness) }),
  z.strictObject({ alerts: z.array(alertSchema) }),
  z.strictObject({ spool: z.base64() }),
  z.strictObject({ end: counts }),
])
