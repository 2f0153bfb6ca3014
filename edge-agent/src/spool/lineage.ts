/**
 * Whose numbers a spool's messages have. A copy of a spool that is started once more, such as a card or the image of a
 * machine put back, has the name of the first and would give out its numbers again. Nothing in the file can tell, so
 * after every start the agent asks the ingest:
 *
 *   start -> pending: what arrives is kept beside the journal, what is made is not sent
 *     -> the ingest has nothing beyond what was made before: confirmed, what was kept goes
 *     -> it has numbers that were not made here: rolled back; see `begin-anew.ts`
 *
 * A start without an answer goes on at the next one. What was kept is told apart by start, since a copy is always
 * followed by one: what the first life arrived at in a start that the ingest knows of is the first life's.
 */
import type { Receipt } from '@millrace/contracts'
import type { Spool, Statement } from '@millrace/spool'
import type { JournalEntry } from '@millrace/windows'

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
const keptPerStep = 500

export interface LineageStart {
  /** True where the file was made just now, so that nobody can have a copy. */
  isNew: boolean
  /** The newest number of each site. */
  numbers: ReadonlyMap<string, number>
  /** Readings that the devices' accounts hold, and those of them in open windows. */
  before: { accepted: number; open: number }
  maxKeptBytes: number
}

/** What a receipt says about whose numbers they are. */
export interface Judgement {
  /** False where it covers numbers that were not sent from here: they must stay in the outbox. */
  settles: boolean
  confirms: boolean
  /** The spool is a copy of one that went on without it. */
  fork?: Fork
}

export interface Fork {
  /** The first start whose kept journal is of this life alone; undefined where nothing is kept any more. */
  firstStart: number | undefined
}

export interface LineageStatus {
  confirmed: boolean
  keptBytes: number
  /** What is kept became too much: if the spool turns out to be a copy, some of what it took is lost. */
  lapsed: boolean
}

interface State {
  n: number
  since: number
  before: LineageStart['before']
  pending: boolean
  lapsed: boolean
  keptBytes: number
  starts: Map<string, number>
  limits: Map<string, number>
}

export class Lineage {
  readonly #spool: Spool
  readonly #maxKeptBytes: number
  readonly #state: State

  private constructor(spool: Spool, maxKeptBytes: number, state: State) {
    this.#spool = spool
    this.#maxKeptBytes = maxKeptBytes
    this.#state = state
  }

  /** Notes this start; on disk when it resolves, before anything of it is journaled. */
  static async begin(spool: Spool, { isNew, numbers, before, maxKeptBytes }: LineageStart): Promise<Lineage> {
    const known = await readState(spool)
    const n = Math.max(0, ...known.starts.values()) + 1
    const goesOn = known.pending
    const state: State = {
      ...known,
      n,
      pending: goesOn || !isNew || known.starts.size > 0,
      since: goesOn ? known.since : n,
      before: goesOn ? known.before : before,
      limits: goesOn ? known.limits : new Map(numbers),
    }
    state.starts.set(spool.epoch, n)
    await spool.write(startStatements(spool.epoch, state, goesOn), { reserve: true })
    const lineage = new Lineage(spool, maxKeptBytes, state)
    if (!state.pending && state.keptBytes > 0) await lineage.#dropKept()
    return lineage
  }

  get pending(): boolean {
    return this.#state.pending
  }

  /** Table of the highest number of each site that may be sent; undefined: all may. */
  get limits(): string | undefined {
    return this.#state.pending ? 'unconfirmed_limits' : undefined
  }

  /** The accounts when the first start without an answer began. */
  get before(): LineageStart['before'] {
    return this.#state.before
  }

  get status(): LineageStatus {
    const { pending, keptBytes, lapsed } = this.#state
    return { confirmed: !pending, keptBytes: pending ? keptBytes : 0, lapsed: pending && lapsed }
  }

  /** Keeps an entry in the transaction that journals it. Messages given up are those of before. */
  kept(entry: JournalEntry, bytes: Uint8Array): Statement[] {
    const state = this.#state
    if (!state.pending || state.lapsed || entry.kind === 'dropped') return []
    state.keptBytes += bytes.byteLength
    if (state.keptBytes > this.#maxKeptBytes) return this.#lapse()
    return [{ sql: 'INSERT INTO kept_journal (bytes, start) VALUES (?, ?)', rows: [[bytes, state.n]] }]
  }

  /** Makes room in a full spool; false where there was nothing to give. */
  async giveUpKept(): Promise<boolean> {
    if (!this.#state.pending || this.#state.keptBytes === 0) return false
    await this.#spool.write(this.#lapse(), { reserve: true })
    await this.#dropKept()
    return true
  }

  /** `made`: the newest number of the site. */
  judge(site: string, receipt: Receipt, made: number): Judgement {
    const { pending, limits } = this.#state
    const newest = newestOf(receipt)
    if (!pending) {
      const foreign = newest > made
      return { settles: !foreign, confirms: false, ...(foreign ? { fork: { firstStart: undefined } } : {}) }
    }
    const settles = newest <= (limits.get(site) ?? -1)
    if (receipt.standing?.to === this.#spool.epoch) return this.#judgeStanding(receipt.standing, settles)
    // An ingest that answers is waited for: one receipt says nothing of other sites, and a retained one may be old.
    if (receipt.greets === true) return { settles, confirms: false }
    return settles ? { settles, confirms: true } : this.#forked([])
  }

  /** Resolves when it is on disk. */
  async confirm(): Promise<void> {
    if (!this.#state.pending) return
    await this.#spool.write(['unconfirmed', 'unconfirmed_limits'].map(emptied), { reserve: true })
    this.#state.pending = false
    await this.#dropKept()
  }

  #judgeStanding({ sites }: NonNullable<Receipt['standing']>, settles: boolean): Judgement {
    const { limits } = this.#state
    if (sites.every(({ site, newest }) => newest <= (limits.get(site) ?? -1))) return { settles, confirms: true }
    return this.#forked(sites.flatMap(({ epochs }) => epochs))
  }

  #forked(epochs: readonly string[]): Judgement {
    const { starts, since } = this.#state
    const shared = epochs.map((epoch) => starts.get(epoch) ?? 0)
    return { settles: false, confirms: false, fork: { firstStart: Math.max(since, ...shared.map((n) => n + 1)) } }
  }

  #lapse(): Statement[] {
    this.#state.lapsed = true
    return [{ sql: 'UPDATE unconfirmed SET lapsed = 1', rows: [[]] }]
  }

  /** Step by step, so that nothing else waits long. */
  async #dropKept(): Promise<void> {
    const step = `DELETE FROM kept_journal WHERE id IN (SELECT id FROM kept_journal LIMIT ${keptPerStep})`
    while ((await this.#spool.read('SELECT EXISTS (SELECT 1 FROM kept_journal)'))[0]?.[0] === 1) {
      await this.#spool.write([{ sql: step, rows: [[]] }], { reserve: true })
    }
    this.#state.keptBytes = 0
  }
}

/** Higher than `upTo` where ranges lie above it. */
function newestOf({ upTo, ranges }: Receipt): number {
  return Math.max(upTo, ...ranges.map(([, last]) => last))
}

function emptied(table: string): Statement {
  return { sql: `DELETE FROM ${table}`, rows: [[]] }
}

async function readState(spool: Spool): Promise<State> {
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

function startStatements(epoch: string, { n, since, before, pending, limits }: State, goesOn: boolean): Statement[] {
  const statements: Statement[] = [
    { sql: 'INSERT INTO starts VALUES (?, ?)', rows: [[n, epoch]] },
    { sql: 'DELETE FROM starts WHERE n <= ?', rows: [[n - maxStarts]] },
  ]
  if (!pending || goesOn) return statements
  const rows = [...limits].map(([site, seq]) => [site, seq])
  return [
    ...statements,
    { sql: 'INSERT INTO unconfirmed VALUES (0, ?, ?, ?, 0)', rows: [[since, before.accepted, before.open]] },
    ...(rows.length > 0 ? [{ sql: 'INSERT INTO unconfirmed_limits VALUES (?, ?)', rows }] : []),
  ]
}
