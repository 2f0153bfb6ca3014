/** Samples are kept in pieces of this much event time, so that a new one writes little, ms. */
export const bucketMs = 300_000

export interface Sample {
  start: number
  lengthMs: number
  level: number
  value: number
}

/** Something whose samples are kept. */
export interface SampleHolder {
  eachSample(from: number, to: number, take: (sample: Sample) => void): void
  loadSample(sample: Sample): void
}
