import { stride } from '../packed-rows.ts'

const slabRows = 2048

/** A stretch of `data` for the rows of one window. */
export interface Stretch {
  data: Float64Array
  /** Index of its first number. */
  offset: number
}

/**
 * Cuts the windows' memory out of larger arrays: an array of its own for each window costs more than filling it.
 * A slab lives as long as one of its windows does; neighbours are opened together, so they close together.
 */
export class Arena {
  private slab = new Float64Array(0)
  private used = 0

  take(rows: number): Stretch {
    const numbers = rows * stride
    if (rows * 4 > slabRows) return { data: new Float64Array(numbers), offset: 0 }
    if (this.used + numbers > this.slab.length) {
      this.slab = new Float64Array(slabRows * stride)
      this.used = 0
    }
    this.used += numbers
    return { data: this.slab, offset: this.used - numbers }
  }
}
