import { type Logger, pause, SpoolFullError } from '@millrace/pipeline'
import type { CheckpointRecord, JournaledEntry } from './checkpoint.ts'
import type { CheckpointRequest } from './rollup/index.ts'

export interface CheckpointsOptions {
  /** Bytes of journal that a checkpoint would drop. */
  uncheckedBytes(): number
  /** How long after the last checkpoint one is due even without a journal, ms; Infinity: none is. */
  patienceMs(): number
  /** How long what closes may be gathered where that is longer than usual, ms. */
  gatherMs(): number
  checkpoint(request: CheckpointRequest): Promise<void>
  write(record: CheckpointRecord): Promise<void>
  /** Committed messages are in the outbox. */
  onWritten(): void
  onFull(): void
  onFailure(error: unknown): void
  /** Room that checkpoints have in a full spool. */
  reserveBytes: number
  log: Logger
}

const everyMs = 5_000
const maxJournalBytes = 8 * 1024 * 1024
/** How often devices are reported whose terms moved without a row. */
const reportEveryMs = 60_000
const againMs = 1_000
const lookEveryMs = 50

type Look = (waiting: readonly JournaledEntry[]) => void

/** When checkpoints are made, and that one which finds no room is tried until it does: nothing overtakes it. */
export class Checkpoints {
  readonly #options: CheckpointsOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #busy = false
  #lastMs = performance.now()
  #reportedMs = Number.NEGATIVE_INFINITY
  #problem: string | undefined
  /** Bytes of messages made since the start. */
  messageBytes = 0

  constructor(options: CheckpointsOptions) {
    this.#options = options
  }

  /** What a person must do while a checkpoint finds no room. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Makes a checkpoint if one is due; call it a few times a second. */
  tick(): void {
    if (this.#busy) return
    const bytes = this.#options.uncheckedBytes()
    // The checkpoint of a journal must fit the reserve.
    const journalBytes = Math.min(maxJournalBytes, this.#options.reserveBytes / 4)
    const dueMs = Math.max(everyMs, this.#options.gatherMs())
    const patienceMs = Math.min(bytes > 0 ? dueMs : Number.POSITIVE_INFINITY, this.#options.patienceMs())
    if (bytes >= journalBytes || performance.now() - this.#lastMs >= patienceMs) void this.run()
  }

  /** Makes a checkpoint after the one in the making, if any. */
  run(look?: Look, reportAll = false): Promise<void> {
    const running = this.#running.then(() => this.#make(look, reportAll))
    this.#running = running.catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#options.onFailure(error)
    })
    return this.#running
  }

  /** The same; resolves as soon as the checkpoint waits for room. */
  async runOrWait(): Promise<void> {
    const made = new AbortController()
    const running = this.run().finally(() => made.abort())
    const waiting = async () => {
      while (!made.signal.aborted && this.#problem === undefined)
        await pause(lookEveryMs, made.signal).catch(() => undefined)
    }
    await Promise.race([running, waiting()])
  }

  /** Makes the last checkpoint; gives up one that finds no room, as the journal still has everything. */
  async stop(): Promise<void> {
    const last = this.run(undefined, true)
    setTimeout(() => this.#stopping.abort(), 3 * againMs).unref()
    await last
  }

  async #make(look: Look | undefined, reportAll: boolean): Promise<void> {
    this.#busy = true
    const now = performance.now()
    const sweeps = reportAll || now - this.#reportedMs >= reportEveryMs
    const reportAfterMs = reportAll ? 0 : sweeps ? reportEveryMs : undefined
    try {
      await this.#options.checkpoint({ write: (record) => this.#write(record), reportAfterMs, look })
      if (sweeps) this.#reportedMs = now
    } finally {
      this.#busy = false
      this.#lastMs = performance.now()
    }
  }

  async #write(record: CheckpointRecord): Promise<void> {
    for (;;) {
      try {
        await this.#options.write(record)
        for (const { bytes } of record.messages) this.messageBytes += bytes.byteLength
        this.#problem = undefined
        this.#options.onWritten()
        return
      } catch (error) {
        if (!(error instanceof SpoolFullError)) throw error
        this.#noRoom(error)
        this.#options.onFull()
        await pause(againMs, this.#stopping.signal)
      }
    }
  }

  #noRoom(error: SpoolFullError): void {
    if (this.#problem !== undefined) return
    this.#problem =
      'a checkpoint finds no room: if this lasts, make room on its disk, or raise spool.maxBytes and start again'
    this.#options.log.error({ error, journalBytes: this.#options.uncheckedBytes() }, this.#problem)
  }
}
