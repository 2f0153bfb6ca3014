import type { Spool, Statement } from '../types.ts'

/** Small blobs by key, such as the state of a part at its last checkpoint. */
export const values = {
  schema: ['CREATE TABLE kept_values (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID'],

  put(key: string, bytes: Uint8Array): Statement[] {
    const sql = 'INSERT INTO kept_values VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes'
    return [{ sql, rows: [[key, bytes]] }]
  },

  remove(key: string): Statement[] {
    return [{ sql: 'DELETE FROM kept_values WHERE key = ?', rows: [[key]] }]
  },

  async get(spool: Spool, key: string): Promise<Uint8Array | undefined> {
    const [row] = await spool.read('SELECT bytes FROM kept_values WHERE key = ?', [key])
    return row?.[0] as Uint8Array | undefined
  },

  /** Every value whose key begins with `prefix`, by key. */
  async all(spool: Spool, prefix = ''): Promise<Map<string, Uint8Array>> {
    const sql = 'SELECT key, bytes FROM kept_values WHERE key >= ? AND substr(key, 1, length(?)) = ? ORDER BY key'
    const rows = await spool.read(sql, [prefix, prefix, prefix])
    return new Map(rows.map(([key, bytes]) => [key as string, bytes as Uint8Array]))
  },
}
