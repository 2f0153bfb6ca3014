/** Bytes of a set of readings: a byte for the format, the length, then ts, seq, boot, flags and value, column by column. */
import { ByteReader, ByteWriter } from './bytes.ts'
import { readNumbers, readRuns, writeNumbers, writeRuns } from './columns.ts'
import type { SetRows } from './keeper-types.ts'
import { readValues, writeValues } from './value-column.ts'

const format = 1
/** A run of equal rows takes few bytes, so a length is believed up to this; see `maxReadings`. */
const mostRows = 2 ** 24

const writer = new ByteWriter(4096)

/** About 3 bytes a reading where times are regular and values have few decimals; exact for every double (-0 in ts and seq is 0). Equal rows give equal bytes. */
export function encodeSet(rows: SetRows): Uint8Array<ArrayBuffer> {
  writeSet(writer, rows)
  return writer.take()
}

export function writeSet(out: ByteWriter, rows: SetRows): void {
  const { length } = rows
  out.reserve(16)
  out.byte(format)
  out.varint(length)
  writeNumbers(out, rows.ts.subarray(0, length), 'line')
  writeNumbers(out, rows.seq.subarray(0, length), 'line')
  writeRuns(out, rows.boot.subarray(0, length))
  writeRuns(out, rows.flags.subarray(0, length))
  writeValues(out, rows.value.subarray(0, length))
}

/** Throws RangeError on bytes that `encodeSet` did not make. */
export function decodeSet(bytes: Uint8Array): SetRows {
  const reader = new ByteReader(bytes)
  const rows = readSet(reader)
  reader.end()
  return rows
}

export function readSet(reader: ByteReader): SetRows {
  if (reader.byte() !== format) throw new RangeError('unknown format of a set')
  const length = reader.count(mostRows)
  const ts = readNumbers(reader, length, 'line')
  const seq = readNumbers(reader, length, 'line')
  const boot = readRuns(reader, new Uint32Array(length))
  const flags = readRuns(reader, new Uint8Array(length))
  const value = readValues(reader, length)
  return { length, ts, seq, boot, value, flags }
}
