import { notifySchema } from '@millrace/notify'
import { byteSize } from '@millrace/pipeline'
import { z } from 'zod'
import { collectors } from './collect/index.ts'
import { isZone } from './store/days.ts'
import { stores } from './store/index.ts'

/** The config file of the ingest; `ingest.example.yaml` shows every setting. */
export const configSchema = z.strictObject({
  /** Folder of the spool and, unless it names a file, of the embedded store. */
  dataDir: z.string().min(1),
  /** The clock that all processes of a stack share; without it the wall clock. */
  clockFile: z.string().min(1).optional(),
  collect: collectors.schema,
  /** The first answers queries that name none, and its refusals count in the accounts. */
  stores: z
    .array(stores.schema)
    .min(1)
    .refine((list) => new Set(list.map(({ type }) => type)).size === list.length, 'each type of store at most once'),
  /** IANA name of the zone whose days `1d` rows are. */
  dayZone: z.string().refine(isZone, 'an IANA time zone such as UTC or Europe/Berlin').default('UTC'),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8080),
      /** Needed for any address but loopback. */
      tokenFile: z.string().min(1).optional(),
      /** Folder of the built page. */
      page: z.string().min(1).optional(),
    })
    .prefault({}),
  /** Folder of alert rules; those with `at: cloud` are evaluated here. Without it none are. */
  rules: z.string().min(1).optional(),
  /** Who is told of alerts that were raised here. */
  notify: notifySchema,
  spool: z.strictObject({ maxBytes: byteSize.default(4 * 1024 ** 3) }).prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
})

export type IngestConfig = z.output<typeof configSchema>
