import { addMissingTables, type Spool, values } from '@millrace/spool'

/** Small blobs of an uplink in the agent's spool; each type of uplink has its own. */
export interface UplinkStore {
  load(key: string): Promise<Uint8Array | undefined>
  save(key: string, bytes: Uint8Array): Promise<void>
}

/** The table is made when something is first kept. */
export function openUplinkStore(spool: Spool, type: string): UplinkStore {
  const keyOf = (key: string) => `uplink/${type}/${key}`
  return {
    async load(key) {
      const known = await spool.read("SELECT 1 FROM sqlite_master WHERE name = 'kept_values'")
      return known.length === 0 ? undefined : await values.get(spool, keyOf(key))
    },
    async save(key, bytes) {
      await addMissingTables(spool, values.schema)
      await spool.write(values.put(keyOf(key), bytes), { reserve: true })
    },
  }
}
