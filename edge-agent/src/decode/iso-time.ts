import type { Cursor } from './cursor.ts'

const zero = 0x30
const dayMs = 86_400_000

/** Two digits at `at`; NaN where there are none. */
function two(bytes: Uint8Array, at: number): number {
  const tens = bytes[at]! - zero
  const ones = bytes[at + 1]! - zero
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

function daysIn(month: number, year: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days from 1970-01-01 to the date, for years from 1970. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const m = month <= 2 ? month + 9 : month - 3
  return (
    365 * y +
    Math.floor(y / 4) -
    Math.floor(y / 100) +
    Math.floor(y / 400) +
    Math.floor((153 * m + 2) / 5) +
    day -
    719_469
  )
}

function punctuation(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at + 4] === 0x2d &&
    bytes[at + 7] === 0x2d &&
    bytes[at + 10] === 0x54 &&
    bytes[at + 13] === 0x3a &&
    bytes[at + 16] === 0x3a
  )
}

/** Ms of the clock part `HH:MM:SS`; NaN where it is none. */
function clockMs(bytes: Uint8Array, at: number): number {
  const hour = two(bytes, at)
  const minute = two(bytes, at + 3)
  const second = two(bytes, at + 6)
  return hour <= 23 && minute <= 59 && second <= 59 ? ((hour * 60 + minute) * 60 + second) * 1000 : Number.NaN
}

function dateMs(bytes: Uint8Array, at: number): number {
  const year = two(bytes, at) * 100 + two(bytes, at + 2)
  const month = two(bytes, at + 5)
  const day = two(bytes, at + 8)
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(month, year))) return Number.NaN
  return dayNumber(year, month, day) * dayMs
}

/** Epoch ms of the text `"YYYY-MM-DDTHH:MM:SSZ"` or `"...SS.mmmZ"` at the cursor, quotes included; NaN for any other. */
export function isoTime(cursor: Cursor): number {
  const { bytes } = cursor
  const at = cursor.at + 1
  if (!punctuation(bytes, at)) return Number.NaN
  const withMs = bytes[at + 19] === 0x2e
  const end = at + (withMs ? 23 : 19)
  if (bytes[end] !== 0x5a || bytes[end + 1] !== 0x22) return Number.NaN
  const fraction = withMs ? two(bytes, at + 20) * 10 + (two(bytes, at + 21) % 10) : 0
  cursor.at = end + 2
  return dateMs(bytes, at) + clockMs(bytes, at + 11) + fraction
}
