/** Slots of a skeleton that hold no reading; any other slot is a series. */
export const tsSlot = -1
export const seqSlot = -2

/** Messages of a device that may miss its skeleton before another is learned. */
const maxMisses = 16
const maxSegments = 10_000

/**
 * What stays the same from message to message of one device: the bytes around its numbers. A message that equals it
 * there has the same keys in the same order, so that only the numbers are left to be read.
 */
export interface Skeleton {
  /** Bytes before each slot, then those behind the last. */
  segments: readonly Uint8Array[]
  slots: readonly number[]
  boot: number
}

/** The skeleton of a topic, and whether it is time for another. */
export class SkeletonMemory {
  skeleton: Skeleton | undefined
  #misses = 0

  miss(): void {
    this.#misses++
  }

  get wanted(): boolean {
    return this.skeleton === undefined || this.#misses >= maxMisses
  }

  learn(skeleton: Skeleton): void {
    this.skeleton = skeleton
    this.#misses = 0
  }
}

/** Collects the slots of one message, and shares equal segments between all devices. */
export class SkeletonMaker {
  readonly #segments = new Map<string, Uint8Array>()
  #slots: number[] = []
  #borders: number[] = []

  begin(): void {
    this.#slots = []
    this.#borders = []
  }

  /** A slot's token stands at `from` to `to`. */
  add(slot: number, from: number, to: number): void {
    this.#slots.push(slot)
    this.#borders.push(from, to)
  }

  finish(bytes: Uint8Array, boot: number): Skeleton {
    const borders = [0, ...this.#borders, bytes.length]
    const segments: Uint8Array[] = []
    for (let at = 0; at < borders.length; at += 2) segments.push(this.#segment(bytes, borders[at]!, borders[at + 1]!))
    return { segments, slots: this.#slots, boot }
  }

  #segment(bytes: Uint8Array, from: number, to: number): Uint8Array {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1')
    const known = this.#segments.get(text)
    if (known) return known
    if (this.#segments.size >= maxSegments) this.#segments.clear()
    const segment = Buffer.from(text, 'latin1')
    this.#segments.set(text, segment)
    return segment
  }
}
