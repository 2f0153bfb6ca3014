/**
 * A spool that turned out to be a copy of one that went on without it begins anew, in the same file and in one
 * transaction:
 *
 *   outbox, made before the copy was started   -> under its old name, to be sent as it is: the ingest knows repeats
 *   outbox, made since, sets, open windows     -> gone: they mix readings of both lives
 *   journal kept since                         -> the journal, which the next start applies to no windows at all
 *
 * so the new parts hold what arrived since and nothing else, and merge with what the first life sent. Names, alerts,
 * state of the rules, dead letters and what others keep in the file stay.
 */
import { randomBytes } from 'node:crypto'
import { Outbox, outbox, type Spool, type Statement } from '@millrace/spool'
import { inheritedTable } from './inherited.ts'

export const rolledBackTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS rolled_back (n INTEGER PRIMARY KEY, about TEXT NOT NULL) STRICT',
]

/** One time that a copy was recognised. */
export type RolledBack = {
  /** Name of the spool before. */
  from: string
  /** When it was recognised, epoch ms. */
  atMs: number
  /** Messages made before the copy was started, carried over. */
  messages: number
  /** Readings accepted since. */
  accepted: number
  /** Those of them that had not been kept; noted at the next start. */
  lost?: number
  /** Of those messages, given up by a full spool. */
  gaveUp?: number
  /** Readings in windows that were open in the copy: the first life has sent them, or they went with it. */
  ofFirstLife: number
}

export interface BeginAnew {
  /** What was kept before it is of the first life. */
  firstStart: number
  about: Pick<RolledBack, 'atMs' | 'accepted' | 'ofFirstLife'>
}

const once = (sql: string): Statement => ({ sql, rows: [[]] })

const madeSince = 'seq > coalesce((SELECT l.seq FROM unconfirmed_limits AS l WHERE l.site = outbox.site), -1)'
const emptied = [
  ...['message_readings', 'dropped', 'sets', 'completeness_sets', 'open_windows', 'open_completeness'],
  ...['devices', 'unstamped', 'keeper', 'reports', 'starts', 'unconfirmed', 'unconfirmed_limits'],
]

/** The spool must be closed after it and opened again. Resolves with its new name. */
export async function beginAnew(spool: Spool, { firstStart, about }: BeginAnew): Promise<string> {
  const name = randomBytes(8).toString('hex')
  const alerts = await spool.read(
    `SELECT site, seq, bytes, at_ms FROM outbox WHERE kind = 'alerts' AND ${madeSince} ORDER BY id`,
  )
  const [count] = await spool.read(`SELECT count(*) FROM outbox WHERE NOT (${madeSince})`)
  const [last] = await spool.read('SELECT coalesce(max(n), 0) FROM inherited')
  const record = { ...about, from: spool.name, messages: Number(count?.[0]) }
  const statements = [
    ...inheritStatements(Number(last?.[0]) + 1, spool.name),
    ...emptied.map((table) => once(`DELETE FROM ${table}`)),
    { sql: 'DELETE FROM kept_journal WHERE start < ?', rows: [[firstStart]] },
    ...['DROP TABLE journal', 'ALTER TABLE kept_journal RENAME TO journal'].map(once),
    ...alerts.flatMap(([site, , bytes, atMs], index) => {
      const seq = alerts.slice(0, index).filter(([other]) => other === site).length
      const message = { site: String(site), seq, kind: 'alerts', bytes: renamed(bytes as Uint8Array, name, seq) }
      return outbox.add({ ...message, atMs: Number(atMs) })
    }),
    { sql: 'INSERT INTO rolled_back (about) VALUES (?)', rows: [[JSON.stringify(record)]] },
    { sql: 'UPDATE spool_identity SET name = ?', rows: [[name]] },
  ]
  await spool.write(statements, { reserve: true })
  return name
}

/** The table changes its name, so that nothing is copied however much waits. */
function inheritStatements(n: number, name: string): Statement[] {
  const table = inheritedTable(n)
  const gone = ['message_readings_gone', 'outbox_key', 'outbox_at', 'outbox_after'] as const
  const [trigger, ...indexes] = gone
  return [
    once(`DELETE FROM outbox WHERE ${madeSince}`),
    once(`DROP TRIGGER IF EXISTS ${trigger}`),
    ...indexes.map((index) => once(`DROP INDEX IF EXISTS ${index}`)),
    once('DROP TABLE outbox_last'),
    once(`ALTER TABLE outbox RENAME TO ${table}`),
    once(`CREATE UNIQUE INDEX ${table}_key ON ${table} (site, seq)`),
    ...new Outbox(table).later.map(once),
    ...outbox.schema.map(once),
    { sql: 'INSERT INTO inherited VALUES (?, ?)', rows: [[n, name]] },
  ]
}

/** Alerts are known by their ids, so they may be told under another number. */
function renamed(bytes: Uint8Array, spool: string, seq: number): Uint8Array {
  return Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(bytes).toString('utf8')), spool, seq }))
}

/** Newest last. */
export async function readRolledBack(spool: Spool): Promise<RolledBack[]> {
  const rows = await spool.read('SELECT about FROM rolled_back ORDER BY n')
  return rows.map(([about]) => JSON.parse(String(about)) as RolledBack)
}

/** At the first start after it: what the journal brought back of what was accepted. */
export async function noteLost(spool: Spool, accepted: number): Promise<RolledBack | undefined> {
  const newest = (await readRolledBack(spool)).at(-1)
  if (newest === undefined || newest.lost !== undefined) return undefined
  const noted = { ...newest, lost: newest.accepted - accepted }
  const sql = 'UPDATE rolled_back SET about = ? WHERE n = (SELECT max(n) FROM rolled_back)'
  await spool.write([{ sql, rows: [[JSON.stringify(noted)]] }], { reserve: true })
  return noted
}
