/** The newest readings of one series, ascending in time, bounded. One reading per moment: a repeat replaces. */
export class RecentReadings {
  readonly ts: number[] = []
  readonly value: number[] = []
  private readonly limit: number

  constructor(limit = 1_200) {
    this.limit = limit
  }

  add(ts: number, value: number): void {
    let index = this.ts.length
    while (index > 0 && (this.ts[index - 1] ?? 0) > ts) index--
    if (this.ts[index - 1] === ts) {
      this.value[index - 1] = value
      return
    }
    this.ts.splice(index, 0, ts)
    this.value.splice(index, 0, value)
    if (this.ts.length > this.limit + 64) this.dropOldest(this.ts.length - this.limit)
  }

  /** Index of the first reading at or after `ms`. */
  from(ms: number): number {
    let index = this.ts.length
    while (index > 0 && (this.ts[index - 1] ?? 0) >= ms) index--
    return index
  }

  private dropOldest(count: number): void {
    this.ts.splice(0, count)
    this.value.splice(0, count)
  }
}
