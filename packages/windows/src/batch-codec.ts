/**
 * Bytes of a batch of readings, column by column. It is on the path of every reading, so it looks at each number once
 * and leaves compression across time to the sets: a reading takes about 7 bytes.
 */
import type { ByteReader, ByteWriter } from './bytes.ts'
import { readNumbers, readRuns, unzigzag, writeNumbers, writeRuns, zigzag } from './columns.ts'
import type { InvalidCount, MessageColumns, ReadingBatch, ReadingColumns, TakenCount } from './types.ts'
import { powersOfTen } from './value-column.ts'

const mostRows = 2 ** 24
/** Decimals tried per value; the code beyond them marks eight raw bytes. */
const mostDecimals = 6
const notDecimal = 7
const largestWhole = 2 ** 48

export function writeBatch(out: ByteWriter, batch: ReadingBatch): void {
  const { readings, messages } = batch
  out.reserve(32)
  out.float(batch.arrivedMonotonicMs)
  out.varint(readings.length)
  out.varint(messages.length)
  out.varint(batch.invalid.length)
  const length = readings.length
  writeIds(out, readings.series.subarray(0, length))
  writeNumbers(out, readings.ts.subarray(0, length), 'same')
  writeNumbers(out, readings.seq.subarray(0, length), 'same')
  writeRuns(out, readings.boot.subarray(0, length))
  writeMixedValues(out, readings.value.subarray(0, length))
  writeRuns(out, readings.flags.subarray(0, length))
  writeMessages(out, messages)
  for (const invalid of batch.invalid) writeInvalid(out, invalid)
  if (batch.taken !== undefined) writeTaken(out, batch.taken)
}

export function readBatch(from: ByteReader): ReadingBatch {
  const arrivedMonotonicMs = from.float()
  const readings = from.count(mostRows)
  const messages = from.count(mostRows)
  const invalid = from.count(from.left)
  const batch: ReadingBatch = {
    arrivedMonotonicMs,
    readings: readReadings(from, readings),
    messages: readMessages(from, messages),
    invalid: Array.from({ length: invalid }, () => readInvalid(from)),
  }
  // Entries of earlier releases end here.
  return from.left > 0 ? { ...batch, taken: readTaken(from) } : batch
}

function writeTaken(out: ByteWriter, taken: readonly TakenCount[]): void {
  out.reserve(8 + taken.length * 16)
  out.varint(taken.length)
  for (const { device, count } of taken) {
    out.varint(device)
    out.varint(count)
  }
}

function readTaken(from: ByteReader): TakenCount[] {
  return Array.from({ length: from.count(from.left) }, () => ({ device: from.varint(), count: from.varint() }))
}

function readReadings(from: ByteReader, length: number): ReadingColumns {
  const series = readIds(from, length)
  const ts = readNumbers(from, length, 'same')
  const seq = readNumbers(from, length, 'same')
  const boot = readRuns(from, new Uint32Array(length))
  const value = readMixedValues(from, length)
  const flags = readRuns(from, new Uint8Array(length))
  return { length, series, ts, seq, boot, value, flags }
}

function writeMessages(out: ByteWriter, messages: MessageColumns): void {
  const length = messages.length
  writeIds(out, messages.device.subarray(0, length))
  writeNumbers(out, messages.ts.subarray(0, length), 'same')
  writeNumbers(out, messages.seq.subarray(0, length), 'same')
  writeRuns(out, messages.boot.subarray(0, length))
  writeRuns(out, messages.flags.subarray(0, length))
}

function readMessages(from: ByteReader, length: number): MessageColumns {
  const device = readIds(from, length)
  const ts = readNumbers(from, length, 'same')
  const seq = readNumbers(from, length, 'same')
  const boot = readRuns(from, new Uint32Array(length))
  const flags = readRuns(from, new Uint8Array(length))
  return { length, device, ts, seq, boot, flags }
}

function writeInvalid(out: ByteWriter, { device, reason, count }: InvalidCount): void {
  out.reserve(16)
  out.varint(device)
  out.varint(count)
  out.text(reason)
}

function readInvalid(from: ByteReader): InvalidCount {
  const device = from.varint()
  const count = from.varint()
  return { device, reason: from.text(), count }
}

/** Ids as zigzag differences: neighbours in a message mostly differ by one. */
export function writeIds(out: ByteWriter, ids: Uint32Array): void {
  out.reserve(ids.length * 5)
  let before = 0
  for (let i = 0; i < ids.length; i += 1) {
    out.varint(zigzag(ids[i]! - before))
    before = ids[i]!
  }
}

export function readIds(from: ByteReader, length: number): Uint32Array<ArrayBuffer> {
  const ids = new Uint32Array(length)
  let before = 0
  for (let i = 0; i < length; i += 1) ids[i] = before += unzigzag(from.varint())
  return ids
}

/**
 * Values of many series in turn: each as whole number and decimals in one varint, or marked and raw.
 * Series come in the same turn again and again, so the decimals that fitted a place in the turn are tried there first.
 */
function writeMixedValues(out: ByteWriter, column: Float64Array): void {
  out.reserve(column.length * 9)
  let decimals = 0
  for (let i = 0; i < column.length; i += 1) {
    const value = column[i]!
    decimals = decimalsOf(value, decimals)
    if (decimals === notDecimal) {
      out.byte(notDecimal)
      out.float(value)
      decimals = 0
    } else out.varint(zigzag(Math.round(value * powersOfTen[decimals]!)) * 8 + decimals)
  }
}

function decimalsOf(value: number, likely: number): number {
  if (fits(value, powersOfTen[likely]!)) return likely
  for (let decimals = 0; decimals <= mostDecimals; decimals += 1) {
    if (fits(value, powersOfTen[decimals]!)) return decimals
  }
  return notDecimal
}

function fits(value: number, power: number): boolean {
  const whole = Math.round(value * power)
  if (whole === 0) return Object.is(value, 0)
  return whole / power === value && whole < largestWhole && whole > -largestWhole
}

function readMixedValues(from: ByteReader, length: number): Float64Array<ArrayBuffer> {
  const column = new Float64Array(length)
  for (let i = 0; i < length; i += 1) {
    const code = from.varint()
    const decimals = code % 8
    column[i] = decimals === notDecimal ? from.float() : unzigzag(Math.floor(code / 8)) / powersOfTen[decimals]!
  }
  return column
}
