/**
 * Codecs of one column of numbers.
 *
 * Whole numbers: the difference from a prediction (the number before, or the line through the two before), as varints:
 * 0 and a length is a run of exact predictions, 1 and a length a run of NaN, 2 and eight bytes any other double,
 * 3 + zigzag the difference. -0 becomes 0.
 */
import type { ByteReader, ByteWriter } from './bytes.ts'

const exactRun = 0
const nanRun = 1
const rawNumber = 2
const firstDifference = 3
/** A code and eight bytes. */
const mostPerNumber = 10
const largestDifference = 2 ** 50

export type Prediction = 'same' | 'line'

/** State shared by writer and reader, so that both predict alike. */
class Predictor {
  private readonly line: boolean
  private last = 0
  private step = 0
  constructor(prediction: Prediction) {
    this.line = prediction === 'line'
  }
  next(): number {
    return this.last + this.step
  }
  saw(value: number): void {
    // The first number tells nothing about the step, and a step that leaves the whole numbers would poison it.
    if (this.line) this.step = this.last === 0 || !Number.isSafeInteger(value - this.last) ? 0 : value - this.last
    this.last = Number.isSafeInteger(value) ? value : 0
  }
}

export function writeNumbers(out: ByteWriter, column: Float64Array, prediction: Prediction): void {
  const predictor = new Predictor(prediction)
  let i = 0
  while (i < column.length) {
    out.reserve(2 * mostPerNumber)
    const value = column[i]!
    const run = value === predictor.next() ? exactRunLength(column, i, predictor) : nanRunLength(column, i)
    if (run > 0) {
      out.byte(Number.isNaN(value) ? nanRun : exactRun)
      out.varint(run)
      i += run
    } else {
      writeDifference(out, value, predictor)
      i += 1
    }
  }
}

function exactRunLength(column: Float64Array, from: number, predictor: Predictor): number {
  let i = from
  while (i < column.length && column[i] === predictor.next()) predictor.saw(column[i++]!)
  return i - from
}

function nanRunLength(column: Float64Array, from: number): number {
  let i = from
  while (i < column.length && Number.isNaN(column[i])) i += 1
  return i - from
}

function writeDifference(out: ByteWriter, value: number, predictor: Predictor): void {
  const predicted = predictor.next()
  const difference = value - predicted
  if (Math.abs(difference) < largestDifference && Number.isInteger(difference) && predicted + difference === value) {
    out.varint(firstDifference + zigzag(difference))
  } else {
    out.byte(rawNumber)
    out.float(value)
  }
  predictor.saw(value)
}

export function readNumbers(from: ByteReader, length: number, prediction: Prediction): Float64Array<ArrayBuffer> {
  const predictor = new Predictor(prediction)
  const column = new Float64Array(length)
  let i = 0
  while (i < length) {
    const code = from.varint()
    if (code < rawNumber) {
      const run = column.subarray(i, i + from.count(length - i))
      if (run.length === 0) throw new RangeError('an empty run')
      fillRun(run, code, predictor)
      i += run.length
    } else {
      const value = code === rawNumber ? from.float() : predictor.next() + unzigzag(code - firstDifference)
      predictor.saw(value)
      column[i++] = value
    }
  }
  return column
}

function fillRun(run: Float64Array, code: number, predictor: Predictor): void {
  if (code === nanRun) {
    run.fill(Number.NaN)
    return
  }
  for (let i = 0; i < run.length; i += 1) {
    const value = predictor.next()
    predictor.saw(value)
    run[i] = value
  }
}

/** Whole numbers that seldom change, as pairs of number and run length. */
export function writeRuns(out: ByteWriter, column: Uint32Array | Uint8Array): void {
  let from = 0
  for (let i = 1; i <= column.length; i += 1) {
    if (i < column.length && column[i] === column[from]) continue
    if (column.length === 0) return
    out.reserve(mostPerNumber * 2)
    out.varint(column[from]!)
    out.varint(i - from)
    from = i
  }
}

export function readRuns<Column extends Uint32Array | Uint8Array>(from: ByteReader, column: Column): Column {
  let i = 0
  while (i < column.length) {
    const value = from.varint()
    const run = from.count(column.length - i)
    if (run === 0) throw new RangeError('an empty run')
    column.fill(value, i, i + run)
    i += run
  }
  return column
}

/** For whole numbers below 2^52 in size. */
export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

export function unzigzag(code: number): number {
  return code % 2 === 0 ? code / 2 : -(code + 1) / 2
}
