import { definePlugin, hasNoCredentials, readSecret } from '@millrace/pipeline'
import { z } from 'zod'
import type { Store } from '../stored.ts'
import type { StoreContext } from './context.ts'

const secretOf = (file: string | undefined, setting: string) =>
  file === undefined ? undefined : readSecret(file, setting)

/** InfluxDB 1.x, and what speaks its /write and /query. */
export const influxdbStore = definePlugin({
  type: 'influxdb',
  settings: z.object({
    url: z
      .url({ protocol: /^https?$/, hostname: /.+/ })
      .refine(hasNoCredentials, 'a URL without name and password; use username and passwordFile, or tokenFile')
      .transform((url) => url.replace(/\/+$/, '')),
    database: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/)
      .default('telemetry'),
    username: z.string().min(1).optional(),
    passwordFile: z.string().min(1).optional(),
    tokenFile: z.string().min(1).optional(),
    /** Off spares both sides' processors where no network lies between them. */
    gzip: z.boolean().default(true),
  }),
  async create({ url, database, username, passwordFile, tokenFile, gzip }, { log }: StoreContext): Promise<Store> {
    const { InfluxDbStore } = await import('./influxdb-store.ts')
    const credentials = () => ({
      username,
      password: secretOf(passwordFile, 'stores[].passwordFile'),
      token: secretOf(tokenFile, 'stores[].tokenFile'),
    })
    credentials()
    return new InfluxDbStore({ url, database, gzip, credentials }, log)
  },
})
