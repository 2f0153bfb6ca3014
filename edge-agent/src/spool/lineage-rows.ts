import type { Spool, Statement } from '@millrace/spool'

export const lineageTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS starts (n INTEGER PRIMARY KEY, epoch TEXT NOT NULL) STRICT',
  `CREATE TABLE IF NOT EXISTS unconfirmed (id INTEGER PRIMARY KEY CHECK (id = 0), since INTEGER NOT NULL,
    accepted INTEGER NOT NULL, open INTEGER NOT NULL, lapsed INTEGER NOT NULL) STRICT`,
  'CREATE TABLE IF NOT EXISTS unconfirmed_limits (site TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  // It becomes the journal of a spool that begins anew: one column more than that needs.
  'CREATE TABLE IF NOT EXISTS kept_journal (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL, start INTEGER NOT NULL DEFAULT 0) STRICT',
]

/** Starts that are remembered; the ingest names the newest few that it knows of. */
const maxStarts = 1_000

export interface LineageState {
  n: number
  since: number
  /** Readings that the devices' accounts held, and those of them in open windows. */
  before: { accepted: number; open: number }
  pending: boolean
  lapsed: boolean
  keptBytes: number
  starts: Map<string, number>
  limits: Map<string, number>
}

export function emptied(table: string): Statement {
  return { sql: `DELETE FROM ${table}`, rows: [[]] }
}

export async function readState(spool: Spool): Promise<LineageState> {
  const starts = await spool.read('SELECT epoch, n FROM starts')
  const limits = await spool.read('SELECT site, seq FROM unconfirmed_limits')
  const [row] = await spool.read('SELECT since, accepted, open, lapsed FROM unconfirmed')
  const [kept] = await spool.read('SELECT coalesce(sum(length(bytes)), 0) FROM kept_journal')
  const [since = 0, accepted = 0, open = 0, lapsed = 0] = (row ?? []).map(Number)
  return {
    ...{
      n: 0,
      since,
      before: { accepted, open },
      pending: row !== undefined,
      lapsed: lapsed === 1,
      keptBytes: Number(kept?.[0]),
    },
    starts: new Map(starts.map(([epoch, n]) => [String(epoch), Number(n)])),
    limits: new Map(limits.map(([site, seq]) => [String(site), Number(seq)])),
  }
}

export function startStatements(epoch: string, state: LineageState, goesOn: boolean): Statement[] {
  return [
    { sql: 'INSERT INTO starts VALUES (?, ?)', rows: [[state.n, epoch]] },
    { sql: 'DELETE FROM starts WHERE n <= ?', rows: [[state.n - maxStarts]] },
    ...(!state.pending || goesOn ? [] : unconfirmedStatements(state)),
  ]
}

export function unconfirmedStatements({ since, before, limits }: LineageState): Statement[] {
  const rows = [...limits].map(([site, seq]) => [site, seq])
  return [
    { sql: 'INSERT INTO unconfirmed VALUES (0, ?, ?, ?, 0)', rows: [[since, before.accepted, before.open]] },
    ...(rows.length > 0 ? [{ sql: 'INSERT INTO unconfirmed_limits VALUES (?, ?)', rows }] : []),
  ]
}
