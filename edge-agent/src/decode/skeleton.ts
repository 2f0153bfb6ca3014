/** Slots of a skeleton that hold no reading; any other slot is a series. */
export const tsSlot = -1
export const seqSlot = -2

/** Messages of a device that may miss its skeleton before another is learned. */
export const maxMisses = 16
const maxTemplates = 10_000
const wordBytes = 4

/**
 * What stays the same from message to message of one device: the bytes around its numbers. A message that equals it
 * there has the same keys in the same order, so that only the numbers are left to be read.
 */
export interface Skeleton {
  /**
   * The bytes before each slot, then those behind the last. Of each stretch: its length, its whole words of four bytes
   * (little-endian), then a mask for the bytes that are left over and the word that they make.
   */
  template: Int32Array
  slots: readonly number[]
  /** Slots that hold a reading. */
  readings: number
  boot: number
}

/** Collects the slots of one message, and shares equal templates between all devices. */
export class SkeletonMaker {
  readonly #templates = new Map<string, Int32Array>()
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
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    const borders = [0, ...this.#borders, text.length]
    const stretches: string[] = []
    for (let at = 0; at < borders.length; at += 2) stretches.push(text.slice(borders[at], borders[at + 1]))
    const readings = this.#slots.filter((slot) => slot > 0).length
    return { template: this.#template(stretches), slots: this.#slots, readings, boot }
  }

  #template(stretches: readonly string[]): Int32Array {
    const key = JSON.stringify(stretches)
    const known = this.#templates.get(key)
    if (known) return known
    if (this.#templates.size >= maxTemplates) this.#templates.clear()
    const template = Int32Array.from(stretches.flatMap(wordsOf))
    this.#templates.set(key, template)
    return template
  }
}

function wordsOf(stretch: string): number[] {
  const words = [stretch.length]
  const bytes = Buffer.alloc(stretch.length + wordBytes)
  bytes.write(stretch, 'latin1')
  const whole = stretch.length - (stretch.length % wordBytes)
  for (let at = 0; at < whole; at += wordBytes) words.push(bytes.readInt32LE(at))
  const mask = 2 ** (8 * (stretch.length - whole)) - 1
  return [...words, mask, bytes.readInt32LE(whole)]
}
