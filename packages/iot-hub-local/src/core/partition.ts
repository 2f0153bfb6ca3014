import type { PartitionInfo } from '../types.ts'

/** One partition's head and what waits for more; the rows are on disk. */
export class Partition {
  firstSequence: number
  nextSequence: number
  nextOffset: number
  lastOffset: number
  lastEnqueuedMs: number
  readonly #waiting = new Set<() => void>()

  constructor(row: { first: number; next: number; nextOffset: number; lastOffset: number; lastEnqueuedMs: number }) {
    this.firstSequence = row.first
    this.nextSequence = row.next
    this.nextOffset = row.nextOffset
    this.lastOffset = row.lastOffset
    this.lastEnqueuedMs = row.lastEnqueuedMs
  }

  info(): PartitionInfo {
    return {
      firstSequence: this.firstSequence,
      lastSequence: this.nextSequence - 1,
      lastOffset: String(this.lastOffset),
      lastEnqueuedMs: this.lastEnqueuedMs,
      isEmpty: this.firstSequence === this.nextSequence,
    }
  }

  wake(): void {
    for (const resolve of this.#waiting) resolve()
  }

  async waitFor(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.nextSequence <= sequence && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done)
          signal.removeEventListener('abort', done)
          resolve()
        }
        this.#waiting.add(done)
        signal.addEventListener('abort', done)
      })
    }
  }
}
