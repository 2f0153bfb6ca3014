/** Bytes of a journal entry: a byte for its kind, then the batch, the devices, or the entry as JSON where it is rare. */
import { readBatch, readIds, writeBatch, writeIds } from './batch-codec.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import type { JournalEntry } from './types.ts'

const codes = { data: 1, idle: 2, retire: 3, start: 4, anchor: 5, span: 6, settings: 7, dropped: 8 } as const
const mostDevices = 2 ** 24

const writer = new ByteWriter(65_536)

/** Exact for every double; -0 in ts and seq is 0. */
export function encodeEntry(entry: JournalEntry): Uint8Array<ArrayBuffer> {
  writer.reserve(16)
  writer.byte(codes[entry.kind])
  if (entry.kind === 'data') writeBatch(writer, entry.batch)
  else if (entry.kind === 'idle' || entry.kind === 'retire') {
    writer.varint(entry.devices.length)
    writeIds(writer, entry.devices)
  } else writer.text(JSON.stringify(entry))
  return writer.take()
}

/** Throws RangeError or SyntaxError on bytes that `encodeEntry` did not make. */
export function decodeEntry(bytes: Uint8Array): JournalEntry {
  const from = new ByteReader(bytes)
  const entry = readEntry(from)
  from.end()
  return entry
}

function readEntry(from: ByteReader): JournalEntry {
  const code = from.byte()
  switch (code) {
    case codes.data:
      return { kind: 'data', batch: readBatch(from) }
    case codes.idle:
      return { kind: 'idle', devices: readIds(from, from.count(mostDevices)) }
    case codes.retire:
      return { kind: 'retire', devices: readIds(from, from.count(mostDevices)) }
    default: {
      if (code < codes.start || code > codes.dropped) throw new RangeError(`unknown kind of entry ${code}`)
      return JSON.parse(from.text())
    }
  }
}
