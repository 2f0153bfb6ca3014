import { ByteReader, ByteWriter } from './bytes.ts'

/** A set of whole numbers from 0 below 2^53 that mostly come one after the other, kept as inclusive ranges. */
export class RangeSet {
  private readonly firsts: number[] = []
  private readonly lasts: number[] = []
  private size = 0

  get count(): number {
    return this.size
  }

  get rangeCount(): number {
    return this.firsts.length
  }

  /** Undefined where empty. */
  get first(): number | undefined {
    return this.firsts[0]
  }

  get last(): number | undefined {
    return this.lasts.at(-1)
  }

  /** False where it was there. */
  add(n: number): boolean {
    const end = this.lasts.length - 1
    if (end >= 0 && n === this.lasts[end]! + 1) {
      this.lasts[end] = n
      this.size += 1
      return true
    }
    const before = this.rangesUpTo(n) - 1
    if (before >= 0 && n <= this.lasts[before]!) return false
    this.insert(n, before)
    return true
  }

  has(n: number): boolean {
    const before = this.rangesUpTo(n) - 1
    return before >= 0 && n <= this.lasts[before]!
  }

  /** Inclusive pairs, rising. */
  ranges(): [number, number][] {
    return this.firsts.map((first, i) => [first, this.lasts[i]!])
  }

  union(other: RangeSet): void {
    for (const [first, last] of other.ranges()) this.addRange(first, last)
  }

  addRange(first: number, last: number): void {
    // Ranges that touch [first, last] become one with it.
    let from = this.rangesUpTo(first)
    if (from > 0 && this.lasts[from - 1]! >= first - 1) from -= 1
    let to = from
    while (to < this.firsts.length && this.firsts[to]! <= last + 1) to += 1
    const low = to > from ? Math.min(first, this.firsts[from]!) : first
    const high = to > from ? Math.max(last, this.lasts[to - 1]!) : last
    for (let i = from; i < to; i += 1) this.size -= this.lasts[i]! - this.firsts[i]! + 1
    this.size += high - low + 1
    this.firsts.splice(from, to - from, low)
    this.lasts.splice(from, to - from, high)
  }

  /** Forgets the lowest range. */
  dropLowest(): void {
    const first = this.firsts.shift()
    const last = this.lasts.shift()
    if (first !== undefined && last !== undefined) this.size -= last - first + 1
  }

  /** Varints: the number of ranges, then for each its distance from the one before and its length. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter(8 + this.firsts.length * 4)
    this.write(out)
    return out.take()
  }

  write(out: ByteWriter): void {
    out.reserve(8)
    out.varint(this.firsts.length)
    let before = 0
    for (let i = 0; i < this.firsts.length; i += 1) {
      out.reserve(16)
      out.varint(this.firsts[i]! - before)
      out.varint(this.lasts[i]! - this.firsts[i]!)
      before = this.lasts[i]!
    }
  }

  /** Throws RangeError on bytes that are no set. */
  static decode(bytes: Uint8Array): RangeSet {
    const from = new ByteReader(bytes)
    const set = RangeSet.read(from)
    from.end()
    return set
  }

  static read(from: ByteReader): RangeSet {
    const set = new RangeSet()
    const ranges = from.count(from.left)
    let before = 0
    for (let i = 0; i < ranges; i += 1) {
      const first = before + from.varint()
      before = first + from.varint()
      set.addRange(first, before)
    }
    return set
  }

  /** How many ranges begin at or below n. */
  private rangesUpTo(n: number): number {
    let low = 0
    let high = this.firsts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.firsts[middle]! <= n) low = middle + 1
      else high = middle
    }
    return low
  }

  private insert(n: number, before: number): void {
    const joinsBefore = before >= 0 && this.lasts[before] === n - 1
    const joinsAfter = this.firsts[before + 1] === n + 1
    this.size += 1
    if (joinsBefore && joinsAfter) {
      this.firsts.splice(before + 1, 1)
      this.lasts.splice(before, 1)
    } else if (joinsBefore) this.lasts[before] = n
    else if (joinsAfter) this.firsts[before + 1] = n
    else {
      this.firsts.splice(before + 1, 0, n)
      this.lasts.splice(before + 1, 0, n)
    }
  }
}
