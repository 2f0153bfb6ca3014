import { type Mark, maxMarks } from '@millrace/contracts'
import { addMissingTables, type Spool } from '@millrace/spool'

export const markTables: readonly string[] = [
  `CREATE TABLE marks (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, start REAL NOT NULL,
    finish REAL NOT NULL, body TEXT NOT NULL) STRICT`,
  'CREATE UNIQUE INDEX marks_id ON marks (id)',
]

/** Of a mark that goes on. */
const noEnd = Number.MAX_SAFE_INTEGER

const upsert = `INSERT INTO marks (id, start, finish, body) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET start = excluded.start, finish = excluded.finish, body = excluded.body`
const trim = `DELETE FROM marks WHERE n <= (SELECT max(n) FROM marks) - ${maxMarks}`

/** What happened beside the readings, as people and programs told it: the newest so many. */
export class SpoolMarks {
  readonly #spool: Spool

  private constructor(spool: Spool) {
    this.#spool = spool
  }

  static async open(spool: Spool): Promise<SpoolMarks> {
    await addMissingTables(spool, markTables)
    return new SpoolMarks(spool)
  }

  /** On disk when it resolves; one with the same id is replaced. */
  async put(mark: Mark): Promise<void> {
    const { id, from, to } = mark
    await this.#spool.write([
      { sql: upsert, rows: [[id, from, to ?? noEnd, JSON.stringify(mark)]] },
      { sql: trim, rows: [[]] },
    ])
  }

  /** Those that touch [from, to], oldest first. */
  async list({ from, to }: { from: number; to: number }): Promise<Mark[]> {
    const sql = 'SELECT body FROM marks WHERE start <= ? AND finish >= ? ORDER BY start, n'
    const rows = await this.#spool.read(sql, [to, from])
    return rows.map(([body]) => JSON.parse(String(body)) as Mark)
  }
}
