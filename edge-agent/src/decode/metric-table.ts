const quote = 0x22
/** Above this many metrics a miss costs a string and a map look-up instead of a walk. */
const maxWalk = 16

/** The metrics of one device by the bytes of their names. Guesses that they come in the order of last time. */
export class MetricTable {
  readonly #names: Uint8Array[] = []
  readonly #series: number[] = []
  /** The object in which each metric was met last, to notice a name that comes twice. */
  readonly #met: number[] = []
  readonly #byName = new Map<string, number>()
  #next = 0

  /** Has no effect on a name it has, or on one of digits alone: JSON.parse moves those to the front of their object. */
  add(name: string, series: number): void {
    if (this.#byName.has(name) || /^\d+$/.test(name)) return
    this.#byName.set(name, this.#names.length)
    this.#names.push(Buffer.from(name, 'latin1'))
    this.#series.push(series)
    this.#met.push(-1)
  }

  /** Index of the metric whose name stands at `at` and ends with a quote; -1 where it is not known. */
  find(bytes: Uint8Array, at: number): number {
    const guess = this.#next < this.#names.length ? this.#next : 0
    const index = this.#matches(guess, bytes, at) ? guess : this.#search(bytes, at)
    this.#next = index + 1
    return index
  }

  lengthOf(index: number): number {
    return this.#names[index]!.length
  }

  /** The series at an index, or 0 where this object has named it before. */
  meet(index: number, object: number): number {
    if (this.#met[index] === object) return 0
    this.#met[index] = object
    return this.#series[index]!
  }

  #matches(index: number, bytes: Uint8Array, at: number): boolean {
    const name = this.#names[index]
    if (name === undefined || bytes[at + name.length] !== quote) return false
    for (let n = 0; n < name.length; n++) if (bytes[at + n] !== name[n]) return false
    return true
  }

  #search(bytes: Uint8Array, at: number): number {
    if (this.#names.length > maxWalk) return this.#lookUp(bytes, at)
    for (let index = 0; index < this.#names.length; index++) if (this.#matches(index, bytes, at)) return index
    return -1
  }

  #lookUp(bytes: Uint8Array, at: number): number {
    const end = bytes.indexOf(quote, at)
    if (end < 0 || end - at > 64) return -1
    return this.#byName.get(Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1')) ?? -1
  }
}
