/**
 * Codec of one series' values, exact for every double. A column whose values are all decimals of up to nine places is
 * written as whole numbers; any other as the bytes that differ from the value before (as Gorilla does with bits:
 * Pelkonen et al., "Gorilla: a fast, scalable, in-memory time series database", VLDB 2015, 4.1.2).
 */
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readNumbers, writeNumbers } from './columns.ts'

export const powersOfTen = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9] as const
const notDecimal = powersOfTen.length
const largestScaled = 2 ** 50

export function writeValues(out: ByteWriter, column: Float64Array): void {
  const decimals = decimalsOf(column)
  const scaled = decimals === notDecimal ? undefined : scaledBy(column, powersOfTen[decimals]!)
  out.reserve(1)
  out.byte(scaled ? decimals : notDecimal)
  if (scaled) writeNumbers(out, scaled, 'same')
  else writeXor(out, column)
}

export function readValues(from: ByteReader, length: number): Float64Array<ArrayBuffer> {
  const decimals = from.byte()
  if (decimals > notDecimal) throw new RangeError(`unknown form of values ${decimals}`)
  if (decimals === notDecimal) return readXor(from, length)
  const column = readNumbers(from, length, 'same')
  const power = powersOfTen[decimals]!
  for (let i = 0; i < length; i += 1) column[i] = column[i]! / power
  return column
}

/** True where value = whole / power exactly, and the sign of zero is kept. */
export function isDecimal(value: number, power: number): boolean {
  const whole = Math.round(value * power)
  return whole / power === value && (whole !== 0 || !Object.is(value, -0))
}

/** Fewest decimals that every value has; a value with fewer has them too. */
function decimalsOf(column: Float64Array): number {
  let decimals = 0
  for (let i = 0; i < column.length; i += 1) {
    while (decimals < notDecimal && !isDecimal(column[i]!, powersOfTen[decimals]!)) decimals += 1
    if (decimals === notDecimal) return notDecimal
  }
  return decimals
}

let scratch = new Float64Array(1024)

function scaledBy(column: Float64Array, power: number): Float64Array | undefined {
  if (scratch.length < column.length) scratch = new Float64Array(column.length * 2)
  const scaled = scratch.subarray(0, column.length)
  for (let i = 0; i < column.length; i += 1) {
    const whole = Math.round(column[i]! * power)
    if (!(Math.abs(whole) < largestScaled) || whole / power !== column[i]) return undefined
    scaled[i] = whole
  }
  return scaled
}

const pair = new Float64Array(2)
const pairBytes = new Uint8Array(pair.buffer)

/** Per value: a byte with the counts of equal bytes at both ends, then the bytes between. */
function writeXor(out: ByteWriter, column: Float64Array): void {
  pair[1] = 0
  for (let i = 0; i < column.length; i += 1) {
    pair[0] = column[i]!
    let low = 0
    while (low < 8 && pairBytes[low] === pairBytes[low + 8]) low += 1
    let high = 8
    while (high > low && pairBytes[high - 1] === pairBytes[high + 7]) high -= 1
    out.reserve(9)
    out.byte(low * 16 + high)
    for (let at = low; at < high; at += 1) out.byte(pairBytes[at]!)
    pair[1] = pair[0]
  }
}

function readXor(from: ByteReader, length: number): Float64Array<ArrayBuffer> {
  const column = new Float64Array(length)
  pair[0] = 0
  for (let i = 0; i < length; i += 1) {
    const ends = from.byte()
    const high = ends & 15
    if (high > 8) throw new RangeError('a value has more than eight bytes')
    for (let at = ends >> 4; at < high; at += 1) pairBytes[at] = from.byte()
    column[i] = pair[0]!
  }
  return column
}
