import { dirname, join } from 'node:path'
import { definePlugin, makeConfiguredFolders } from '@millrace/pipeline'
import { z } from 'zod'
import type { Store } from '../stored.ts'
import type { StoreContext } from './context.ts'

/** The embedded store: one file, one process, no server. */
export const duckdbStore = definePlugin({
  type: 'duckdb',
  settings: z.object({
    /** Default: `telemetry.duckdb` in the data folder. */
    file: z.string().min(1).optional(),
  }),
  async create({ file }, { dataDir, clock, log }: StoreContext): Promise<Store> {
    const path = file ?? join(dataDir, 'telemetry.duckdb')
    makeConfiguredFolders(dirname(path), file === undefined ? 'dataDir' : 'stores[].file')
    const { openDuckDb } = await import('./duckdb-file.ts')
    const { DuckDbStore } = await import('./duckdb-store.ts')
    return await DuckDbStore.open(await openDuckDb(path, log), clock)
  },
})
