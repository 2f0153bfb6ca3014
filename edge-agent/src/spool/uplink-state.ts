import { addMissingTables, type Spool } from '@millrace/spool'

const schema = ['CREATE TABLE uplink_state (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID'] as const
const put = 'INSERT INTO uplink_state VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes'

/** Small blobs of an uplink in the agent's spool; each type of uplink has its own. */
export interface UplinkStore {
  load(key: string): Promise<Uint8Array | undefined>
  save(key: string, bytes: Uint8Array): Promise<void>
}

/** The table is made when something is first kept. */
export function openUplinkStore(spool: Spool, type: string): UplinkStore {
  return {
    async load(key) {
      const known = await spool.read("SELECT 1 FROM sqlite_master WHERE name = 'uplink_state'")
      if (known.length === 0) return undefined
      const [row] = await spool.read('SELECT bytes FROM uplink_state WHERE key = ?', [`${type}/${key}`])
      return row?.[0] as Uint8Array | undefined
    },
    async save(key, bytes) {
      await addMissingTables(spool, schema)
      await spool.write([{ sql: put, rows: [[`${type}/${key}`, bytes]] }], { reserve: true })
    },
  }
}
