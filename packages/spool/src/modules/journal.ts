import type { Spool, Statement } from '../types.ts'

export interface JournalRow {
  id: number
  bytes: Uint8Array
}

/** What has been accepted and is not yet in a checkpoint, in order of `id`, which the caller counts upwards. */
export const journal = {
  schema: ['CREATE TABLE journal (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT'],

  append(id: number, bytes: Uint8Array): Statement[] {
    return [{ sql: 'INSERT INTO journal (id, bytes) VALUES (?, ?)', rows: [[id, bytes]] }]
  },

  /** Drops the rows up to and including `upTo`. */
  drop(upTo: number): Statement[] {
    return [{ sql: 'DELETE FROM journal WHERE id <= ?', rows: [[upTo]] }]
  },

  /** At most `limit` rows after `id`, in order; without a limit all of them. */
  async readAfter(spool: Spool, id: number, limit = -1): Promise<JournalRow[]> {
    const rows = await spool.read('SELECT id, bytes FROM journal WHERE id > ? ORDER BY id LIMIT ?', [id, limit])
    return rows.map(([rowId, bytes]) => ({ id: rowId as number, bytes: bytes as Uint8Array }))
  },
}
