/** Inclusive, ascending, never touching each other. */
export type Ranges = [from: number, to: number][]

/** A set of whole numbers that mostly arrive in order. */
export class NumberSet {
  readonly ranges: Ranges

  constructor(ranges: Ranges = []) {
    this.ranges = ranges
  }

  add(n: number): void {
    const at = this.#after(n)
    const before = this.ranges[at - 1]
    if (before && n <= before[1]) return
    const after = this.ranges[at]
    const joinsBefore = before !== undefined && before[1] === n - 1
    const joinsAfter = after !== undefined && after[0] === n + 1
    if (joinsBefore && joinsAfter) {
      before[1] = after[1]
      this.ranges.splice(at, 1)
    } else if (joinsBefore) before[1] = n
    else if (joinsAfter) after[0] = n
    else this.ranges.splice(at, 0, [n, n])
  }

  has(n: number): boolean {
    const range = this.ranges[this.#after(n) - 1]
    return range !== undefined && n <= range[1]
  }

  get last(): number | undefined {
    return this.ranges.at(-1)?.[1]
  }

  get size(): number {
    return this.ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
  }

  /** Index of the first range that begins after n. */
  #after(n: number): number {
    const { ranges } = this
    if (ranges.length === 0 || ranges[ranges.length - 1]![0] <= n) return ranges.length
    let low = 0
    let high = ranges.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (ranges[middle]![0] <= n) low = middle + 1
      else high = middle
    }
    return low
  }
}
