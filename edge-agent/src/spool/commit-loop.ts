import { type Delivery, SpoolFullError } from '@millrace/pipeline'
import type { JournalEntry } from '@millrace/windows'
import type { CommitRecord, GivenUp, JournaledEntry, LetterPlace, SetAsideInput } from '../checkpoint.ts'
import type { NameRow } from '../names.ts'

/** Decodes messages at once into columns of its own. */
export interface Intake {
  decode(message: Delivery['messages'][number], arrivedMonotonicMs: number): void
  /** The messages decoded last were heard just now, however early they arrived where they were kept. */
  heard?(): void
  /** Everything decoded since the last call; decoding on leaves it as it is. */
  take(): { entry: JournalEntry | undefined; setAside: SetAsideInput[] }
}

export interface NameStore {
  takeNew(): NameRow[]
  giveBack(rows: readonly NameRow[]): void
}

export interface CommitLoopOptions {
  /** Commits are at least this far apart; the first after a pause goes at once. */
  commitMs: number
  intake: Intake
  names: NameStore
  commit(record: CommitRecord, reserve?: boolean): Promise<JournaledEntry[]>
  apply(entry: JournaledEntry): void
  /** False while the windows cannot take more; then nothing is committed, so nothing is acknowledged. */
  ready(): boolean
  /** The spool refused a commit for lack of room. */
  onFull(): void
  /** The spool failed in a way that only a new start can mend. */
  onFailure(error: unknown): void
}

interface OwnEntry {
  entry: JournalEntry
  gaveUp: readonly GivenUp[]
  done(): void
  failed(error: unknown): void
}

/** How soon to look again when the windows had no room, ms. */
const againMs = 20
/** How soon to try the agent's own entries again in a full spool, ms. */
const retryMs = 1_000

/**
 * Journals deliveries in groups, then acknowledges them, then lets them into the windows, in this order and no other.
 * A delivery whose group could not be journaled is refused and leaves no trace.
 */
export class CommitLoop {
  readonly #options: CommitLoopOptions
  #deliveries: (Delivery & { letter?: LetterPlace })[] = []
  #own: OwnEntry[] = []
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #startedMs = Number.NEGATIVE_INFINITY
  #full = false
  #closed = false
  commits = 0
  messages = 0

  constructor(options: CommitLoopOptions) {
    this.#options = options
  }

  /** True while deliveries are refused for lack of room. */
  get full(): boolean {
    return this.#full
  }

  /** Takes deliveries again after `onFull`. */
  resume(): void {
    this.#full = false
  }

  /** With `letter`: one that was set aside before, to be forgotten in the transaction that takes it. */
  receive(delivery: Delivery & { letter?: LetterPlace }): void {
    if (this.#closed) return
    if (this.#full) {
      delivery.refuse('the spool is full')
      return
    }
    const { intake } = this.#options
    for (const [index, message] of delivery.messages.entries()) intake.decode(message, delivery.arrivals[index] ?? 0)
    intake.heard?.()
    this.#deliveries.push(delivery)
    this.#schedule(0)
  }

  /** Journals an entry of the agent's own; it also fits into a full spool. */
  append(entry: JournalEntry): void {
    // `onFailure` tells of it.
    this.appendWith(entry, []).catch(() => undefined)
  }

  /**
   * The same, and these messages leave the outbox in the same transaction; resolves when that is on disk. Without room
   * it is tried again for as long as it takes; rejects when the spool failed in another way, and then nothing is kept.
   */
  appendWith(entry: JournalEntry, gaveUp: readonly GivenUp[]): Promise<void> {
    return new Promise((done, failed) => {
      this.#own.push({ entry, gaveUp, done, failed })
      this.#schedule(0)
    })
  }

  /** Commits and acknowledges what was received, and takes nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    await this.flush()
    clearTimeout(this.#timer)
  }

  /** Commits at once what waits. */
  async flush(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await this.#start()
  }

  #schedule(atLeastMs: number): void {
    if (this.#timer !== undefined || this.#running || this.#deliveries.length + this.#own.length === 0) return
    const waitMs = Math.max(atLeastMs, this.#startedMs + this.#options.commitMs - performance.now())
    this.#timer = setTimeout(() => this.#begin(), waitMs)
  }

  #begin(): void {
    this.#timer = undefined
    if (this.#running !== undefined) return
    if (this.#options.ready()) void this.#start()
    else this.#schedule(againMs)
  }

  #start(): Promise<void> {
    const running = this.#commit().finally(() => {
      this.#running = undefined
      this.#schedule(this.#full ? retryMs : 0)
    })
    this.#running = running
    return running
  }

  async #commit(): Promise<void> {
    this.#startedMs = performance.now()
    this.commits++
    try {
      await this.#commitOwn()
      await this.#commitDeliveries()
    } catch (error) {
      if (error instanceof SpoolFullError) this.#fill()
      else this.#options.onFailure(error)
    }
  }

  async #commitOwn(): Promise<void> {
    const own = this.#own
    if (own.length === 0) return
    this.#own = []
    const entries = own.map(({ entry }) => entry)
    const gaveUp = own.flatMap((one) => one.gaveUp)
    try {
      const journaled = await this.#options.commit({ entries, names: [], setAside: [], gaveUp }, true)
      for (const entry of journaled) this.#options.apply(entry)
      for (const { done } of own) done()
    } catch (error) {
      if (error instanceof SpoolFullError) this.#own = [...own, ...this.#own]
      else for (const { failed } of own) failed(error)
      throw error
    }
  }

  async #commitDeliveries(): Promise<void> {
    const deliveries = this.#deliveries
    if (deliveries.length === 0) return
    const { intake, names, commit, apply } = this.#options
    this.#deliveries = []
    const { entry, setAside } = intake.take()
    const newNames = names.takeNew()
    try {
      const journaled = await commit({
        entries: entry ? [entry] : [],
        names: newNames,
        setAside,
        ...marksOf(deliveries),
        replayed: deliveries.flatMap(({ letter }) => letter ?? []),
      })
      for (const delivery of deliveries) this.#acknowledge(delivery)
      for (const one of journaled) apply(one)
    } catch (error) {
      names.giveBack(newNames)
      for (const delivery of deliveries) delivery.refuse('the spool could not take it')
      throw error
    }
  }

  #acknowledge(delivery: Delivery): void {
    this.messages += delivery.messages.length
    delivery.ack()
  }

  /** Deliveries decoded since the failed commit began are refused with it: their columns hold what is lost. */
  #fill(): void {
    this.#full = true
    this.#options.intake.take()
    for (const delivery of this.#deliveries.splice(0)) delivery.refuse('the spool is full')
    this.#options.onFull()
  }
}

function marksOf(deliveries: readonly Delivery[]): Pick<CommitRecord, 'marks'> {
  const marks = deliveries.flatMap(({ marks: some }) => (some ? [...some] : []))
  return marks.length > 0 ? { marks: new Map(marks) } : {}
}
