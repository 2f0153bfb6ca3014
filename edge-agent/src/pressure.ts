import type { JournalEntry } from '@millrace/windows'
import type { SpanEntry } from './upkeep.ts'

export interface PressureOptions {
  whenFull: 'refuse' | 'drop-oldest'
  maxBytes: number
  reserveBytes: number
  usedBytes(): Promise<number>
  /** True where the disk has no room, whatever the limit says. */
  diskFull(): Promise<boolean>
  /** A shorter amendment span; undefined where it is as short as it can be. */
  shorterSpan(): SpanEntry | undefined
  append(entry: JournalEntry): void
  /** Writes what is closed and drops sets below the floors; resolves early where it has to wait for room. */
  checkpoint(): Promise<void>
  /** True while a checkpoint waits for room: no other is made until it has some. */
  checkpointWaits(): boolean
  /** Gives up what is kept for the case that the spool is a copy. */
  giveUpKept(): Promise<unknown>
  dropOldest(): Promise<void>
  resume(): void
}

/** Free again above this share of the room, so that a spool at its limit does not flap. */
const freeAgain = 0.95

/** What a full spool gives up, in order: sets kept for amendment, what is kept in case it is a copy, then, if so configured, the oldest messages. */
export class Pressure {
  readonly #options: PressureOptions
  #full = false

  constructor(options: PressureOptions) {
    this.#options = options
  }

  get full(): boolean {
    return this.#full
  }

  onFull(): void {
    this.#full = true
  }

  /** Looks for room; call it every second. */
  async tick(): Promise<void> {
    if (!this.#full) return
    // Free pages in the file take readings, but SQLite's log needs room on the disk: what is taken meanwhile would make
    // the next checkpoint larger still.
    if ((await this.#makeRoom()) && !this.#options.checkpointWaits()) this.#resume()
  }

  /** True once there is room. */
  async #makeRoom(): Promise<boolean> {
    if ((await this.#hasRoom()) || (await this.#giveUpSets())) return true
    await this.#options.giveUpKept()
    return (await this.#hasRoom()) || (await this.#giveUpMessages())
  }

  async #giveUpSets(): Promise<boolean> {
    let before: number | undefined
    for (;;) {
      // Sets leave with a checkpoint alone, so a shorter span would free nothing now.
      if (this.#options.checkpointWaits()) return false
      const span = this.#options.shorterSpan()
      // The same again: the entry found no room on a full disk.
      if (!span || span.amendSpanMs === before) return false
      before = span.amendSpanMs
      this.#options.append(span)
      await this.#options.checkpoint()
      if (await this.#hasRoom()) return true
    }
  }

  async #giveUpMessages(): Promise<boolean> {
    if (this.#options.whenFull === 'drop-oldest') await this.#options.dropOldest()
    return await this.#hasRoom()
  }

  async #hasRoom(): Promise<boolean> {
    const { maxBytes, reserveBytes, usedBytes, diskFull } = this.#options
    if (await diskFull()) return false
    return (await usedBytes()) < (maxBytes - reserveBytes) * freeAgain
  }

  #resume(): void {
    this.#full = false
    this.#options.resume()
  }
}
