import type { SeriesName } from '@millrace/contracts'

const stride = 5
/** Below every message that a recount has. */
const firstNamed = -(2 ** 40)

export interface ExpectedReading {
  ts: number | null
  /** NaN for none. */
  seq: number
  value: number
  /** Index of the boot's name, -1 for none. */
  boot: number
  /** 0 where it was acknowledged, else the message that was not. */
  pending: number
  copies: number
}

/** What was sent of one series, as columns: a ledger may hold millions. */
export class SeriesReadings {
  readonly name: SeriesName
  #cells = new Float64Array(stride * 64)
  #count = 0
  /** Readings without an event time: the agent stamped them, so their window is not known here. */
  unstampedDemanded = 0
  unstampedPermitted = 0
  /** Readings that their agent names as too late, by index. */
  readonly named = new Set<number>()

  constructor(name: SeriesName) {
    this.name = name
  }

  get count(): number {
    return this.#count
  }

  add({ ts, seq, value, boot, pending, copies }: ExpectedReading): void {
    if (ts === null) {
      if (pending === 0) this.unstampedDemanded++
      this.unstampedPermitted += Math.max(1, copies)
      return
    }
    const at = this.#count++ * stride
    if (at === this.#cells.length) {
      const larger = new Float64Array(this.#cells.length * 2)
      larger.set(this.#cells)
      this.#cells = larger
    }
    this.#cells.set([ts, seq, value, boot, pending], at)
  }

  ts(index: number): number {
    return this.#cells[index * stride]!
  }
  seq(index: number): number {
    return this.#cells[index * stride + 1]!
  }
  value(index: number): number {
    return this.#cells[index * stride + 2]!
  }
  boot(index: number): number {
    return this.#cells[index * stride + 3]!
  }
  pending(index: number): number {
    return this.#cells[index * stride + 4]!
  }

  /** 0 where it must be in a row; else what may be in one or not, whole. */
  doubt(index: number): number {
    const pending = this.pending(index)
    return pending === 0 && this.named.has(index) ? firstNamed - index : pending
  }
}
