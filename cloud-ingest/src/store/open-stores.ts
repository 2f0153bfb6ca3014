import type { IngestConfig } from '../config.ts'
import type { Store } from '../stored.ts'
import type { StoreContext } from './context.ts'
import { stores as storeTypes } from './index.ts'

/** The configured stores by type, in the order of the config. */
export async function openStores(
  { stores, dataDir }: IngestConfig,
  context: Omit<StoreContext, 'dataDir'>,
): Promise<Map<string, Store>> {
  const opened = new Map<string, Store>()
  for (const settings of stores) opened.set(settings.type, await storeTypes.create(settings, { ...context, dataDir }))
  return opened
}
