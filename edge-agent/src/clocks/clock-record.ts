/**
 * What is remembered of one device's clock: 64 doubles, so 512 bytes a device, in pages that are never moved.
 *
 *   message -> sample: the least delay in a second -> bucket: the least of a minute -> the last 14 minima
 *
 * A delay is arrival on the agent's monotonic scale minus event time, ms. A network can only make it longer, so its
 * lower envelope is the clock's offset, and a step of the agent's own wall clock changes none of it.
 */
export const field = {
  // What nearly every sample needs stands first, so that it shares a cache line.
  sampleFrom: 0,
  sampleDelay: 1,
  bucketFrom: 2,
  bucketDelay: 3,
  /** Where delays are now; NaN before three samples. Late ones do not move it. */
  level: 4,
  /** Newest event time of a sample on the level. */
  newestTs: 5,
  sampleCount: 6,
  /** A run of samples above the level that agree with each other. */
  aboveCount: 7,
  aboveFrom: 8,
  aboveTs: 9,
  aboveLow: 10,
  aboveHigh: 11,
  jumpSize: 12,
  jumpAt: 13,
  bucketAt: 14,
  minimumCount: 15,
  /** 1 once two minutes running agreed: before it nobody can tell a slow clock from late messages. */
  settled: 16,
  /** Of the lower envelope: its delay at a time, its slope (NaN where not known) and how sure that is. */
  envelope: 17,
  envelopeAt: 18,
  slope: 19,
  slopeError: 20,
  /** Minima that these three are made of. */
  fittedCount: 21,
} as const

export const sampleRing = { at: 24, length: 12 } as const
export const minimumRing = { at: 36, length: 14 } as const
export const timeRing = { at: 50, length: 14 } as const

export const recordLength = 64
const recordsPerPage = 256

/** One device's record: `at` is where it begins. */
export interface ClockRecord {
  page: Float64Array
  at: number
}

/** Records by device id, made when first asked for. */
export class ClockRecords {
  readonly #pages: Float64Array[] = []

  pageOf(device: number): Float64Array {
    return this.#pages[device >> 8] ?? this.#add(device >> 8)
  }

  at(device: number): number {
    return (device & (recordsPerPage - 1)) * recordLength
  }

  /** Undefined where nothing with a time of its own came from the device. */
  find(device: number): ClockRecord | undefined {
    const page = this.#pages[device >> 8]
    const at = this.at(device)
    return page && Number.isFinite(page[at + field.sampleFrom]) ? { page, at } : undefined
  }

  #add(index: number): Float64Array {
    const page = new Float64Array(recordsPerPage * recordLength)
    for (let at = 0; at < page.length; at += recordLength) {
      page[at + field.sampleFrom] = Number.NEGATIVE_INFINITY
      page[at + field.level] = Number.NaN
      page[at + field.newestTs] = Number.NEGATIVE_INFINITY
      page[at + field.jumpAt] = Number.NaN
      page[at + field.slope] = Number.NaN
    }
    this.#pages[index] = page
    return page
  }
}
