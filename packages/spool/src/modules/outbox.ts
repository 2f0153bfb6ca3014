import type { Spool, Statement } from '../types.ts'

export interface OutboxMessage {
  site: string
  /** Numbers the spool's messages of one site and never restarts. */
  seq: number
  kind: string
  bytes: Uint8Array
}

export interface NewOutboxMessage extends OutboxMessage {
  /** Epoch ms, for the age of what waits. */
  atMs: number
  /** Messages of the same site that must be receipted before this one is sent. */
  after?: readonly number[]
}

export interface OutboxCounts {
  messages: number
  bytes: number
  /** Epoch ms of the oldest waiting message; null when none waits. */
  oldestMs: number | null
}

type Key = Pick<OutboxMessage, 'site' | 'seq'>

/** A table of messages that wait for their receipt; each has its own numbers. */
export class Outbox {
  readonly #table: string
  readonly schema: readonly string[]
  /** What the outbox of an earlier release may lack. */
  readonly later: readonly string[]
  readonly #waitsForNone: string

  constructor(table: string) {
    this.#table = table
    this.#waitsForNone = `NOT EXISTS (
      SELECT 1 FROM json_each(o.after) AS earlier JOIN ${table} AS p ON p.site = o.site AND p.seq = earlier.value)`
    // For `oldest`, which looks at the few messages that wait for others and at no other row of them.
    this.later = [`CREATE INDEX IF NOT EXISTS ${table}_after ON ${table} (site, after) WHERE after IS NOT NULL`]
    this.schema = [
      `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, site TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
        at_ms REAL NOT NULL, size INTEGER NOT NULL, after TEXT, bytes BLOB NOT NULL) STRICT`,
      `CREATE UNIQUE INDEX ${table}_key ON ${table} (site, seq)`,
      `CREATE INDEX ${table}_at ON ${table} (at_ms, size)`,
      ...this.later,
      `CREATE TABLE ${table}_last (site TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
    ]
  }

  /** The seq must be above every earlier one of its site, see `lastSeqs`. */
  add({ site, seq, kind, bytes, atMs, after = [] }: NewOutboxMessage): Statement[] {
    const earlier = after.length > 0 ? JSON.stringify(after) : null
    return [
      {
        sql: `INSERT INTO ${this.#table} (site, seq, kind, at_ms, size, after, bytes) VALUES (?, ?, ?, ?, ?, ?, ?)`,
        rows: [[site, seq, kind, atMs, bytes.byteLength, earlier, bytes]],
      },
      {
        sql: `INSERT INTO ${this.#table}_last VALUES (?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)`,
        rows: [[site, seq]],
      },
    ]
  }

  /** Removes what a receipt names: everything up to `upTo` and the inclusive `ranges`. */
  settle(site: string, upTo: number, ranges: readonly (readonly [number, number])[]): Statement[] {
    return [
      {
        sql: `DELETE FROM ${this.#table} WHERE site = ? AND seq BETWEEN ? AND ?`,
        rows: [[site, 0, upTo] as const, ...ranges.map(([from, to]) => [site, from, to] as const)],
      },
    ]
  }

  /**
   * Newest first, without those in `exclude` and those that must wait for others. With `limits`, a table of sites and
   * numbers, only those whose number is at most its site's.
   */
  async newest(
    spool: Spool,
    { limit, exclude = [], limits }: { limit: number; exclude?: readonly Key[]; limits?: string | undefined },
  ): Promise<OutboxMessage[]> {
    const excluded = JSON.stringify(exclude.map(({ site, seq }) => `${seq}/${site}`))
    const limited = limits && `${limits} AS l CROSS JOIN ${this.#table} AS o ON o.site = l.site AND o.seq <= l.seq`
    const rows = await spool.read(
      `SELECT o.site, o.seq, o.kind, o.bytes FROM ${limited ?? `${this.#table} AS o`}
       WHERE o.seq || '/' || o.site NOT IN (SELECT value FROM json_each(?))
         AND (o.after IS NULL OR ${this.#waitsForNone})
       ORDER BY o.id DESC LIMIT ?`,
      [excluded, limit],
    )
    return rows.map(messageOf)
  }

  /**
   * Oldest first, for a spool that must give something up; none that another waits for, as that one repeats its rows,
   * and none of the kind `kept`.
   */
  async oldest(spool: Spool, limit: number, kept = ''): Promise<OutboxMessage[]> {
    const rows = await spool.read(
      // One text for site and seq: a pair NOT IN a list is compared with every row of it.
      `SELECT site, seq, kind, bytes FROM ${this.#table} AS o WHERE o.kind <> ? AND o.seq || '/' || o.site NOT IN (
         SELECT earlier.value || '/' || later.site FROM ${this.#table} AS later, json_each(later.after) AS earlier
         WHERE later.after IS NOT NULL)
       ORDER BY o.id LIMIT ?`,
      [kept, limit],
    )
    return rows.map(messageOf)
  }

  async counts(spool: Spool): Promise<OutboxCounts> {
    const [row] = await spool.read(`SELECT count(*), coalesce(sum(size), 0), min(at_ms) FROM ${this.#table}`)
    const [messages, bytes, oldestMs] = row as [number, number, number | null]
    return { messages, bytes, oldestMs }
  }

  /** The highest seq that each site ever had in this table. */
  async lastSeqs(spool: Spool): Promise<Map<string, number>> {
    const rows = await spool.read(`SELECT site, seq FROM ${this.#table}_last`)
    return new Map(rows.map(([site, seq]) => [site as string, seq as number]))
  }
}

/** The table of the spool's own messages. */
export const outbox = new Outbox('outbox')

function messageOf([site, seq, kind, bytes]: readonly unknown[]): OutboxMessage {
  return { site: site as string, seq: seq as number, kind: kind as string, bytes: bytes as Uint8Array }
}
