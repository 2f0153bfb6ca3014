import type { Spool, Statement } from '../types.ts'

/** How far each reader of the spool has come. */
export const cursors = {
  schema: ['CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT, WITHOUT ROWID'],

  save(name: string, position: number): Statement[] {
    const sql = 'INSERT INTO cursors VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position'
    return [{ sql, rows: [[name, position]] }]
  },

  remove(name: string): Statement[] {
    return [{ sql: 'DELETE FROM cursors WHERE name = ?', rows: [[name]] }]
  },

  /** Undefined before the first `save`. */
  async load(spool: Spool, name: string): Promise<number | undefined> {
    const [row] = await spool.read('SELECT position FROM cursors WHERE name = ?', [name])
    return row?.[0] as number | undefined
  },
}
