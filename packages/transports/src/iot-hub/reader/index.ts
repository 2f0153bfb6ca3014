import { loadAzure } from '../sdk.ts'
import type { HubReader, HubReaderOptions } from './types.ts'

export { HubEvent, type RawEvent } from './hub-event.ts'
export * from './settings.ts'
export type { HubReader, HubReaderOptions, TakeEvents } from './types.ts'

/** Loads Microsoft's client; rejects with a MillraceError `package-missing` where it is not installed. */
export async function openHubReader(options: HubReaderOptions): Promise<HubReader> {
  const { openReader } = await loadAzure(() => import('./reader.ts'))
  return await openReader(options)
}
