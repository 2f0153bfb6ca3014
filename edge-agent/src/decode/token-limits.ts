import { endTimeMs, minTimeMs, secondsBelow } from '@millrace/contracts'

/** Whole epoch ms of a time as a device sends it, in ms or, where small, in seconds; NaN out of range. */
export function timeMs(number: number): number {
  return inRange(Math.round(number >= secondsBelow ? number : number * 1000))
}

/** The same of a time in ms. */
export function inRange(ms: number): number {
  return ms >= minTimeMs && ms < endTimeMs ? ms : Number.NaN
}

export function isSeq(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0
}
