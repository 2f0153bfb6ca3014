/**
 * Whose numbers a spool's messages have. A copy of a spool that is started once more, such as a card or the image of a
 * machine put back, has the name of the first and would give out its numbers again. Nothing in the file can tell, so
 * after every start the agent asks the ingest:
 *
 *   start -> pending: what arrives is kept beside the journal, what is made is not sent
 *     -> the ingest has nothing beyond what was made before: confirmed, what was kept goes
 *     -> it has numbers that were not made here: rolled back; see `begin-anew.ts`
 *   confirmed -> a receipt names numbers that were not made here: asked once more
 *
 * Only its answer to this very start is believed of such numbers: a receipt can be forged by whoever may publish one.
 * A start without an answer goes on at the next one. What was kept is told apart by start, since a copy is always
 * followed by one: what the first life arrived at in a start that the ingest knows of is the first life's.
 */
import type { Receipt } from '@millrace/contracts'
import type { Spool, Statement } from '@millrace/spool'
import type { JournalEntry } from '@millrace/windows'
import { emptied, type LineageState, readState, startStatements, unconfirmedStatements } from './lineage-rows.ts'

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
  /** It may be a copy after all. */
  doubts?: true
  /** The spool is a copy of one that went on without it. */
  fork?: Fork
}

export interface Fork {
  /** The first start whose kept journal is of this life alone. */
  firstStart: number
}

export interface LineageStatus {
  confirmed: boolean
  keptBytes: number
  /** What is kept became too much: if the spool turns out to be a copy, some of what it took is lost. */
  lapsed: boolean
}

export class Lineage {
  readonly #spool: Spool
  readonly #maxKeptBytes: number
  readonly #state: LineageState
  #confirming = false

  private constructor(spool: Spool, maxKeptBytes: number, state: LineageState) {
    this.#spool = spool
    this.#maxKeptBytes = maxKeptBytes
    this.#state = state
  }

  /** Notes this start; on disk when it resolves, before anything of it is journaled. */
  static async begin(spool: Spool, { isNew, numbers, before, maxKeptBytes }: LineageStart): Promise<Lineage> {
    const known = await readState(spool)
    const n = Math.max(known.since, ...known.starts.values()) + 1
    const goesOn = known.pending
    const state: LineageState = {
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

  /** The accounts when what waits for an answer began. */
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
      return { settles: !foreign, confirms: false, ...(foreign ? { doubts: true } : {}) }
    }
    const settles = newest <= (limits.get(site) ?? -1)
    if (this.#confirming) return { settles, confirms: false }
    if (receipt.standing?.to === this.#spool.epoch) return this.#judgeStanding(receipt.standing, settles)
    // An ingest that answers is waited for: one receipt says nothing of other sites, and a retained one may be old.
    return { settles, confirms: settles && receipt.greets !== true }
  }

  /** Asks once more, as after a start; `numbers` are the newest made so far, which may be sent. On disk when it resolves. */
  async doubt(numbers: ReadonlyMap<string, number>, before: LineageStart['before']): Promise<void> {
    const state = this.#state
    if (state.pending) return
    // The ingest knows this start already, and what is kept from now on is of this life alone.
    state.n += 1
    Object.assign(state, { since: state.n, before, limits: new Map(numbers), pending: true, lapsed: false })
    await this.#spool.write(unconfirmedStatements(state), { reserve: true }).catch((error: unknown) => {
      state.pending = false
      throw error
    })
  }

  /** Resolves when it is on disk. */
  async confirm(): Promise<void> {
    if (!this.#state.pending || this.#confirming) return
    this.#confirming = true
    try {
      await this.#spool.write(['unconfirmed', 'unconfirmed_limits'].map(emptied), { reserve: true })
      this.#state.pending = false
    } finally {
      this.#confirming = false
    }
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

  /** Step by step, so that nothing else waits long; what a doubt keeps meanwhile stays. */
  async #dropKept(): Promise<void> {
    this.#state.keptBytes = 0
    const old = `FROM kept_journal WHERE start <= ${this.#state.n}`
    const step = `DELETE FROM kept_journal WHERE id IN (SELECT id ${old} LIMIT ${keptPerStep})`
    while ((await this.#spool.read(`SELECT EXISTS (SELECT 1 ${old})`))[0]?.[0] === 1) {
      await this.#spool.write([{ sql: step, rows: [[]] }], { reserve: true })
    }
  }
}

/** Higher than `upTo` where ranges lie above it. */
function newestOf({ upTo, ranges }: Receipt): number {
  return Math.max(upTo, ...ranges.map(([, last]) => last))
}
