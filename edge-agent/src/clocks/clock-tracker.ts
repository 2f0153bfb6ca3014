import { type ClockRecord, field, minimumRing, sampleRing, timeRing } from './clock-record.ts'
import { median, medianDeviation, quantile, robustSlope } from './robust.ts'

/** Length of a sample: a burst of messages is one, however old most of them are. */
export const sampleMs = 1_000
const bucketMs = 60_000
/** A clock that went back must stay there this long: until then it may be a few old messages. */
const backForMs = 2 * bucketMs
/** Samples that must agree before they are believed. */
const enoughSamples = 3
/** Minima that a slope needs, and the time they must span. */
const slopeMinima = 6
const slopeSpanMs = 5 * bucketMs
/** A way can become so much longer or shorter by itself, ms: what moves less is no drift. */
const leastMove = 100
/** No clock is that wrong: such a slope is a backlog that drains or grows. */
const steepest = 0.1

/** Takes the sample that has ended into the record at `at`; `jumpMs` is how far samples may differ and still agree. */
export function endSample(page: Float64Array, at: number, jumpMs: number): void {
  const atMs = page[at + field.sampleFrom]!
  const delay = page[at + field.sampleDelay]!
  const count = page[at + field.sampleCount]!
  page[at + sampleRing.at + (count % sampleRing.length)] = delay
  page[at + field.sampleCount] = count + 1
  if (Math.abs(delay - page[at + field.level]!) <= jumpMs) onLevel(page, at)
  else offLevel({ page, at }, { atMs, delay }, jumpMs)
  if (atMs - page[at + field.bucketFrom]! >= bucketMs) endBucket({ page, at }, atMs, jumpMs)
}

/** The usual case: nothing is made here. */
function onLevel(page: Float64Array, at: number): void {
  const atMs = page[at + field.sampleFrom]!
  const delay = page[at + field.sampleDelay]!
  if (page[at + field.aboveCount] !== 0) page[at + field.aboveCount] = 0
  page[at + field.level]! += (delay - page[at + field.level]!) / 2
  if (atMs - delay > page[at + field.newestTs]!) page[at + field.newestTs] = atMs - delay
  admit(page, at)
}

function offLevel(record: ClockRecord, sample: Sample, jumpMs: number): void {
  const { page, at } = record
  if (page[at + field.sampleCount]! < enoughSamples) return
  const level = page[at + field.level]!
  if (Number.isNaN(level)) moveTo(record, { ...sample, delay: median(newestSamples(record)) })
  else if (sample.delay < level) below(record, sample.atMs, jumpMs)
  else above(record, sample, jumpMs)
  if (sample.delay >= page[at + field.level]! - jumpMs) admit(page, at)
}

interface Sample {
  atMs: number
  delay: number
}

/** Event times ahead of the level: the network cannot do that, but one bad message can, so three must agree. */
function below(record: ClockRecord, atMs: number, jumpMs: number): void {
  const newest = newestSamples(record)
  const level = record.page[record.at + field.level]!
  const high = Math.max(...newest)
  if (high >= level - jumpMs || high - Math.min(...newest) > jumpMs) return
  jump(record, { atMs, delay: median(newest) }, jumpMs)
}

/** Late messages look so too, but theirs is seldom one delay for minutes, and event times going back is no outage that ended. */
function above(record: ClockRecord, { atMs, delay }: Sample, jumpMs: number): void {
  const { page, at } = record
  const low = Math.min(page[at + field.aboveLow]!, delay)
  const high = Math.max(page[at + field.aboveHigh]!, delay)
  if (page[at + field.aboveCount] === 0 || high - low > jumpMs) {
    page[at + field.aboveFrom] = atMs
    page[at + field.aboveLow] = page[at + field.aboveHigh] = delay
    page[at + field.aboveCount] = 1
    return
  }
  page[at + field.aboveLow] = low
  page[at + field.aboveHigh] = high
  page[at + field.aboveCount]! += 1
  // Of the second, as the first may be an old message sent again.
  if (page[at + field.aboveCount] === 2) page[at + field.aboveTs] = atMs - delay
  const wentBack = page[at + field.aboveTs]! <= page[at + field.newestTs]!
  const lasted = atMs - page[at + field.aboveFrom]! >= backForMs && page[at + field.aboveCount]! >= enoughSamples
  if (!wentBack || !lasted) return
  jump(record, { atMs, delay: low }, jumpMs)
}

/** To another level; a jump only where the one before was the clock's and not that of late messages. */
function jump(record: ClockRecord, to: Sample, jumpMs: number): void {
  const { page, at } = record
  const settled = page[at + field.settled]!
  if (settled === 1) {
    fit(record, jumpMs)
    page[at + field.jumpSize] = envelopeOf(record) - to.delay
    page[at + field.jumpAt] = to.atMs
  }
  moveTo(record, to)
  page[at + field.settled] = settled
}

function moveTo({ page, at }: ClockRecord, { atMs, delay }: Sample): void {
  page[at + field.level] = page[at + field.envelope] = delay
  page[at + field.newestTs] = atMs - delay
  page[at + field.aboveCount] = 0
  page[at + field.minimumCount] = page[at + field.fittedCount] = page[at + field.settled] = 0
  page[at + field.slope] = Number.NaN
  page[at + field.bucketFrom] = page[at + field.bucketAt] = atMs
  page[at + field.bucketDelay] = Number.POSITIVE_INFINITY
}

function admit(page: Float64Array, at: number): void {
  const delay = page[at + field.sampleDelay]!
  if (delay >= page[at + field.bucketDelay]!) return
  page[at + field.bucketDelay] = delay
  page[at + field.bucketAt] = page[at + field.sampleFrom]!
  if (page[at + field.minimumCount] === 0) page[at + field.envelope] = delay
}

function endBucket(record: ClockRecord, atMs: number, jumpMs: number): void {
  const { page, at } = record
  if (Number.isFinite(page[at + field.bucketDelay])) {
    const count = page[at + field.minimumCount]!
    const before = page[at + minimumRing.at + ((count + minimumRing.length - 1) % minimumRing.length)]!
    page[at + timeRing.at + (count % timeRing.length)] = page[at + field.bucketAt]!
    page[at + minimumRing.at + (count % minimumRing.length)] = page[at + field.bucketDelay]!
    page[at + field.minimumCount] = count + 1
    if (count > 0 && Math.abs(page[at + field.bucketDelay]! - before) <= jumpMs) page[at + field.settled] = 1
  }
  page[at + field.bucketFrom] = atMs
  page[at + field.bucketDelay] = Number.POSITIVE_INFINITY
}

/**
 * The lower envelope of the last minima: its slope, and where it is at the newest of them. Made when asked for, once a
 * minute at most, so that it is not on the path of a message.
 */
export function fit(record: ClockRecord, jumpMs: number): void {
  const { page, at } = record
  if (page[at + field.fittedCount] === page[at + field.minimumCount]) return
  page[at + field.fittedCount] = page[at + field.minimumCount]!
  const length = Math.min(page[at + field.minimumCount]!, minimumRing.length)
  const minima = page.subarray(at + minimumRing.at, at + minimumRing.at + length)
  const times = page.subarray(at + timeRing.at, at + timeRing.at + length)
  const newestAt = times.reduce((newest, time) => Math.max(newest, time))
  const late = quantile(minima, 0.25) + jumpMs
  const onTime = (_: number, i: number) => minima[i]! <= late
  const kept = minima.filter(onTime)
  const keptTimes = times.filter(onTime)
  const slope = slopeOf(keptTimes, kept)
  const flat = Number.isNaN(slope) ? 0 : slope
  const now = kept.map((delay, i) => delay + flat * (newestAt - keptTimes[i]!))
  const span = newestAt - keptTimes.reduce((oldest, time) => Math.min(oldest, time))
  page[at + field.slope] = slope
  page[at + field.slopeError] = span > 0 ? Math.max(leastMove, 4 * medianDeviation(now)) / span : Number.NaN
  page[at + field.envelope] = quantile(now, 0.25)
  page[at + field.envelopeAt] = newestAt
}

/** The lower envelope of the delays at the newest sample, ms; after `fit`. */
export function envelopeOf({ page, at }: ClockRecord): number {
  const slope = page[at + field.slope]!
  const envelope = page[at + field.envelope]!
  const sinceMs = page[at + field.sampleFrom]! - page[at + field.envelopeAt]!
  return Number.isNaN(slope) ? envelope : envelope + slope * Math.min(sinceMs, 2 * bucketMs)
}

function slopeOf(times: Float64Array, minima: Float64Array): number {
  if (minima.length < slopeMinima) return Number.NaN
  const span = times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b))
  const slope = span >= slopeSpanMs ? robustSlope(times, minima) : Number.NaN
  return Math.abs(slope) <= steepest ? slope : Number.NaN
}

function newestSamples({ page, at }: ClockRecord): Float64Array {
  const pushed = page[at + field.sampleCount]!
  return Float64Array.from({ length: enoughSamples }, (_, back) => {
    return page[at + sampleRing.at + ((pushed - 1 - back) % sampleRing.length)]!
  })
}

/** Median absolute deviation of the newest samples' delays, ms; NaN before three. */
export function jitterOf({ page, at }: ClockRecord): number {
  const length = Math.min(page[at + field.sampleCount]!, sampleRing.length)
  if (length < enoughSamples) return Number.NaN
  return medianDeviation(page.subarray(at + sampleRing.at, at + sampleRing.at + length))
}
