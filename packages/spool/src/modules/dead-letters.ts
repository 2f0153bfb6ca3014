import type { Spool, SqlValue, Statement } from '../types.ts'

export interface DeadLetter {
  /** Epoch ms. */
  atMs: number
  reason: string
  /** Where it came from, such as a topic. */
  source: string
  device: string | null
  site: string | null
  /** Readings in it; bytes that cannot be decoded are one. */
  count: number
  body: Uint8Array
}

export interface DeadLetterCount {
  reason: string
  letters: number
  readings: number
  firstMs: number
  lastMs: number
}

/** One whose body was kept. */
export interface KeptLetter extends Omit<DeadLetter, 'site' | 'device'> {
  /** Its place among all of its reason that there ever were, from 1. */
  nth: number
  site: string | null
  device: string | null
}

/** The first and the newest so many of each reason keep their bodies. */
export const keptPerEnd = 50
export const maxBodyBytes = 64 * 1024

/** Places go on from the count, which no replay lowers: one that was replayed must not pass for another letter. */
const insertLetter = `INSERT INTO dead_letters
  SELECT ?1, ?2 + coalesce((SELECT letters FROM dead_letter_counts WHERE reason = ?1), 0), ?3, ?4, ?5, ?6, ?7, ?8`

const trimLetters = `DELETE FROM dead_letters WHERE reason = ?1 AND nth > ${keptPerEnd}
  AND nth <= (SELECT nth FROM dead_letters WHERE reason = ?1 ORDER BY nth DESC LIMIT 1 OFFSET ${keptPerEnd})`

const addCounts = `INSERT INTO dead_letter_counts VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET letters = letters + excluded.letters, readings = readings + excluded.readings,
    first_ms = min(first_ms, excluded.first_ms), last_ms = max(last_ms, excluded.last_ms)`

function byReason(letters: readonly DeadLetter[]): Map<string, DeadLetter[]> {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const group = groups.get(letter.reason)
    if (group) group.push(letter)
    else groups.set(letter.reason, [letter])
  }
  return groups
}

const letterColumns = 'reason, nth, at_ms, source, device, site, readings, body'

function keptLetter(row: readonly SqlValue[]): KeptLetter {
  const [reason, nth, atMs, source, device, site, count, body] = row as [
    ...[string, number, number, string, string | null, string | null, number],
    Uint8Array,
  ]
  return { reason, nth, atMs, source, device, site, count, body }
}

/** Rows of those of a burst that could be kept at all, each with its place in the burst, from 1. */
function letterRows(group: readonly DeadLetter[]): SqlValue[][] {
  const isAtAnEnd = (index: number) => index < keptPerEnd || index >= group.length - keptPerEnd
  return group.flatMap((letter, index) => (isAtAnEnd(index) ? [letterRow(letter, index + 1)] : []))
}

function letterRow({ reason, atMs, source, device, site, count, body }: DeadLetter, place: number): SqlValue[] {
  return [reason, place, atMs, source, device, site, count, body.subarray(0, maxBodyBytes)]
}

function countRow(reason: string, group: readonly DeadLetter[]): SqlValue[] {
  const times = group.map(({ atMs }) => atMs)
  const readings = group.reduce((sum, { count }) => sum + count, 0)
  const [firstMs, lastMs] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))]
  return [reason, group.length, readings, firstMs, lastMs]
}

/** Inputs set aside: counts by reason that never fall, and a bounded sample of bodies. Reasons are words of ours, never input. */
export const deadLetters = {
  schema: [
    `CREATE TABLE dead_letters (reason TEXT NOT NULL, nth INTEGER NOT NULL, at_ms REAL NOT NULL, source TEXT NOT NULL,
      device TEXT, site TEXT, readings INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (reason, nth)) STRICT`,
    `CREATE TABLE dead_letter_counts (reason TEXT PRIMARY KEY, letters INTEGER NOT NULL, readings INTEGER NOT NULL,
      first_ms REAL NOT NULL, last_ms REAL NOT NULL) STRICT, WITHOUT ROWID`,
  ],

  add(...letters: readonly DeadLetter[]): Statement[] {
    if (letters.length === 0) return []
    const groups = [...byReason(letters)]
    return [
      { sql: insertLetter, rows: groups.flatMap(([, group]) => letterRows(group)) },
      { sql: trimLetters, rows: groups.map(([reason]) => [reason]) },
      { sql: addCounts, rows: groups.map(([reason, group]) => countRow(reason, group)) },
    ]
  },

  /** Newest first, of one reason or of all. */
  async list(spool: Spool, { reason, limit = 100 }: { reason?: string; limit?: number } = {}): Promise<DeadLetter[]> {
    const rows = await spool.read(
      `SELECT at_ms, reason, source, device, site, readings, body FROM dead_letters
       WHERE ?1 IS NULL OR reason = ?1 ORDER BY at_ms DESC, nth DESC LIMIT ?2`,
      [reason ?? null, limit],
    )
    return rows.map((row) => {
      const [atMs, found, source, device, site, count, body] = row as [
        number,
        string,
        string,
        string,
        string,
        number,
        Uint8Array,
      ]
      return { atMs, reason: found, source, device, site, count, body }
    })
  },

  async counts(spool: Spool): Promise<DeadLetterCount[]> {
    const sql = 'SELECT reason, letters, readings, first_ms, last_ms FROM dead_letter_counts ORDER BY reason'
    return (await spool.read(sql)).map((row) => {
      const [reason, letters, readings, firstMs, lastMs] = row as [string, number, number, number, number]
      return { reason, letters, readings, firstMs, lastMs }
    })
  },

  /** Those kept of one device, oldest first. */
  async ofDevice(spool: Spool, { site, device }: { site: string; device: string }): Promise<KeptLetter[]> {
    const sql = `SELECT ${letterColumns} FROM dead_letters WHERE site = ? AND device = ? ORDER BY at_ms, nth`
    return (await spool.read(sql, [site, device])).map(keptLetter)
  },

  /** The newest kept where no place is named; undefined where it is not kept. */
  async one(spool: Spool, reason: string, nth?: number): Promise<KeptLetter | undefined> {
    const sql = `SELECT ${letterColumns} FROM dead_letters WHERE reason = ?1 AND (?2 IS NULL OR nth = ?2)
      ORDER BY nth DESC LIMIT 1`
    const [row] = await spool.read(sql, [reason, nth ?? null])
    return row && keptLetter(row)
  },

  /** Places and sizes of those kept of a reason, rising. */
  async places(spool: Spool, reason: string): Promise<{ nth: number; bytes: number }[]> {
    const sql = 'SELECT nth, length(body) FROM dead_letters WHERE reason = ? ORDER BY nth'
    return (await spool.read(sql, [reason])).map(([nth, bytes]) => ({ nth: Number(nth), bytes: Number(bytes) }))
  },

  /** Counts by reason, with how many bodies are kept and their size. */
  async inspect(spool: Pick<Spool, 'read'>): Promise<(DeadLetterCount & { kept: number; bytes: number })[]> {
    const sql = `SELECT c.reason, c.letters, c.readings, c.first_ms, c.last_ms, count(l.nth), coalesce(sum(length(l.body)), 0)
      FROM dead_letter_counts AS c LEFT JOIN dead_letters AS l ON l.reason = c.reason GROUP BY c.reason ORDER BY c.reason`
    return (await spool.read(sql)).map((row) => {
      const [reason, letters, readings, firstMs, lastMs, kept, bytes] = row as [string, ...number[]]
      return { reason, letters, readings, firstMs, lastMs, kept, bytes } as DeadLetterCount & {
        kept: number
        bytes: number
      }
    })
  },

  /** Forgets one body; the counts stay. */
  remove(reason: string, nth: number): Statement[] {
    return [{ sql: 'DELETE FROM dead_letters WHERE reason = ? AND nth = ?', rows: [[reason, nth]] }]
  },
}
