/** Samples are kept in pieces of this much event time, so that a new one writes little, ms. */
export const bucketMs = 120_000

export interface Sample {
  start: number
  lengthMs: number
  level: number
  value: number
}

/** A sample is lent for the call: the next one may be the same object. */
export type TakeSample = (sample: Readonly<Sample>) => void

/** Something whose samples are kept. */
export interface SampleHolder {
  /** Those that start from `from` on and before `to`, in order. */
  eachSample(from: number, to: number, take: TakeSample): void
  loadSample(sample: Sample): void
}
