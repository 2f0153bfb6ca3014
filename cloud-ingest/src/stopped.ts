import { createWriteStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Clock, type Logger, UsageError } from '@millrace/pipeline'
import { demandNoHalfRestore } from './backup/marker.ts'
import { restore } from './backup/restore.ts'
import { backupStream } from './backup/write.ts'
import type { IngestConfig } from './config.ts'
import { Custody } from './spool/index.ts'
import { openStores } from './store/open-stores.ts'
import type { Store } from './stored.ts'

export interface StoppedContext {
  clock: Clock
  log: Logger
  file: string
}

async function withStores<T>(
  config: IngestConfig,
  context: StoppedContext,
  work: (stores: Map<string, Store>) => Promise<T>,
): Promise<T> {
  const stores = await openStores(config, context)
  try {
    return await work(stores)
  } finally {
    for (const store of stores.values()) await store.close()
  }
}

function demandSpool(dataDir: string): void {
  if (existsSync(join(dataDir, 'spool', 'spool.db'))) return
  const problem = { path: 'dataDir', found: `${dataDir} without a spool`, expected: 'the data folder of an ingest' }
  throw new UsageError('there is nothing to back up', [problem])
}

/** Writes a backup while no ingest runs; throws where one does, where there is none, or where a restore was interrupted. */
export async function backUpStopped(config: IngestConfig, context: StoppedContext & { store: string | undefined }) {
  const { clock, log, file, store } = context
  const { dataDir, spool } = config
  demandNoHalfRestore(dataDir)
  demandSpool(dataDir)
  const custody = await Custody.open({ dataDir, maxBytes: spool.maxBytes, clock, log, committed: () => undefined })
  try {
    await withStores(config, context, async (stores) => {
      const type = store ?? [...stores.keys()][0]!
      const chosen = stores.get(type)
      if (!chosen)
        throw new UsageError('no such store', [
          { path: '--store', found: type, expected: [...stores.keys()].join(' or ') },
        ])
      const readers = { readAll: () => chosen.readAll(), readAllAlerts: () => chosen.readAllAlerts() }
      const source = { store: type, atMs: clock.now(), dataDir, ...readers }
      const stream = backupStream({ ...source, copySpoolTo: (copy) => custody.copyTo(copy) })
      await pipeline(stream, createWriteStream(file, { mode: 0o600 }))
    })
  } finally {
    await custody.close()
  }
}

/** Brings a backup back into every configured store and the spool, and opens the spool once to see that it is sound. */
export async function restoreStopped(config: IngestConfig, context: StoppedContext): Promise<void> {
  const { clock, log, file } = context
  const { dataDir, spool } = config
  await withStores(config, context, async (stores) => {
    const { head, ...counts } = await restore(file, { dataDir, stores, log })
    const custody = await Custody.open({ dataDir, maxBytes: spool.maxBytes, clock, log, committed: () => undefined })
    await custody.close()
    log.info({ ...counts, from: head.store, madeAt: new Date(head.atMs).toISOString() }, 'restored')
  })
}
