import { maxAbsoluteValue, maxMetricsPerObject, maxReadingsPerMessage } from '@millrace/contracts'
import { unstamped } from '@millrace/windows'
import type { BatchBuilder, Envelope } from './batch-builder.ts'
import { Cursor } from './cursor.ts'
import { isoTime } from './iso-time.ts'
import {
  bootBit,
  closeBrace,
  closeBracket,
  colon,
  comma,
  keys,
  openBrace,
  openBracket,
  quote,
  readingsBit,
  seqBit,
  tsBit,
  valueBit,
} from './json-bytes.ts'
import { maxMisses, type Skeleton, SkeletonMaker, seqSlot, tsSlot } from './skeleton.ts'
import { longestSkeleton, SkeletonReader } from './skeleton-reader.ts'
import { inRange, isSeq, timeMs } from './token-limits.ts'
import type { TopicEntry } from './topic-cache.ts'

/**
 * Decodes the plain shapes of a device message straight from its bytes into columns, without a string or an object.
 * It takes a message whole or not at all: any doubt (an escape, an unknown key, a name not met before, a value out
 * of range) leaves the message to the judge. It makes no names, so a refused message leaves none behind.
 */
export class Scanner {
  readonly #columns: BatchBuilder
  /** Ids of boots met before, by name. */
  readonly #boots: ReadonlyMap<string, number>
  readonly #cursor = new Cursor()
  readonly #maker = new SkeletonMaker()
  readonly #reader = new SkeletonReader()
  #learns = false
  readonly #envelope: Envelope = { ts: 0, seq: 0, boot: 0, flags: 0 }
  #entry!: TopicEntry
  #arrivedMonotonicMs = 0
  #flags = 0
  #object = 0
  #readings = 0

  constructor(columns: BatchBuilder, boots: ReadonlyMap<string, number>) {
    this.#columns = columns
    this.#boots = boots
  }

  /** What every message of the next scans shares. */
  prepare(arrivedMonotonicMs: number, flags: number): void {
    this.#arrivedMonotonicMs = arrivedMonotonicMs
    this.#flags = flags
  }

  /** True when the message has been added to the columns; false leaves them as they were. */
  scan(entry: TopicEntry, body: Uint8Array): boolean {
    const { skeleton } = entry
    this.#entry = entry
    if (skeleton !== undefined) {
      if (this.#fill(skeleton, body)) return true
      entry.misses++
    }
    const { readingCount, messageCount } = this.#columns
    const taken = this.#readWhole(body)
    if (taken) this.#columns.took(entry.device, this.#readings)
    else this.#columns.rollBack(readingCount, messageCount)
    return taken
  }

  /** Takes a message that equals the device's skeleton. */
  #fill(skeleton: Skeleton, body: Uint8Array): boolean {
    const reader = this.#reader
    if (!reader.read(skeleton, body)) return false
    const envelope = this.#envelope
    const stamped = !Number.isNaN(reader.ts)
    envelope.ts = stamped ? reader.ts : this.#arrivedMonotonicMs
    envelope.seq = reader.seq
    envelope.boot = skeleton.boot
    envelope.flags = stamped ? this.#flags : this.#flags | unstamped
    this.#columns.append(this.#entry.device, reader, envelope)
    this.#columns.took(this.#entry.device, skeleton.readings)
    return true
  }

  #slot(slot: number): boolean {
    if (slot === tsSlot) return this.#time()
    return slot === seqSlot ? this.#seq() : this.#value(slot)
  }

  #readWhole(body: Uint8Array): boolean {
    const entry = this.#entry
    const cursor = this.#cursor
    cursor.open(body)
    this.#readings = 0
    const wanted = entry.skeleton === undefined || entry.misses >= maxMisses
    this.#learns = wanted && body.length <= longestSkeleton && cursor.peek() === openBrace
    if (this.#learns) this.#maker.begin()
    const taken = (entry.metric === undefined ? this.#deviceMessage() : this.#metricMessage()) && cursor.peek() < 0
    if (taken && this.#learns) {
      entry.skeleton = this.#maker.finish(body, this.#envelope.boot)
      entry.misses = 0
    }
    return taken
  }

  #deviceMessage(): boolean {
    if (this.#cursor.peek() === openBrace) return this.#objectOf(readingsBit)
    if (!this.#cursor.take(openBracket)) return false
    do {
      if (!this.#objectOf(readingsBit)) return false
    } while (this.#cursor.take(comma))
    return this.#cursor.take(closeBracket)
  }

  #metricMessage(): boolean {
    if (this.#entry.series === 0) return false
    if (this.#cursor.peek() === openBrace) return this.#objectOf(valueBit)
    this.#clearEnvelope()
    return this.#noted(this.#entry.series) && this.#sealFrom(this.#columns.readingCount - 1)
  }

  #clearEnvelope(): void {
    const envelope = this.#envelope
    envelope.ts = this.#arrivedMonotonicMs
    envelope.seq = Number.NaN
    envelope.boot = 0
    envelope.flags = this.#flags | unstamped
  }

  /** An object with the key `content` and any of the envelope's, each at most once. */
  #objectOf(content: number): boolean {
    const cursor = this.#cursor
    const from = this.#columns.readingCount
    let seen = 0
    this.#clearEnvelope()
    this.#object++
    if (!cursor.take(openBrace)) return false
    do {
      const bit = this.#key()
      if (bit === 0 || (seen & bit) !== 0 || (bit >= readingsBit && bit !== content) || !this.#field(bit)) return false
      seen |= bit
    } while (cursor.take(comma))
    return (seen & content) !== 0 && cursor.take(closeBrace) && this.#sealFrom(from)
  }

  #sealFrom(from: number): boolean {
    this.#columns.seal(from, this.#entry.device, this.#envelope)
    return true
  }

  /** The bit of a known key with its colon; 0 for any other. */
  #key(): number {
    const cursor = this.#cursor
    if (!cursor.take(quote)) return 0
    const key = keys[cursor.bytes[cursor.at]!]
    if (key === undefined || !cursor.takeWord(key.rest) || !cursor.take(colon)) return 0
    cursor.peek()
    return key.bit
  }

  #field(bit: number): boolean {
    if (bit === tsBit) return this.#noted(tsSlot)
    if (bit === seqBit) return this.#noted(seqSlot)
    if (bit === bootBit) return this.#boot()
    return bit === readingsBit ? this.#readingsObject() : this.#noted(this.#entry.series)
  }

  /** Reads a slot's token, and notes its place where the message is to be learned. */
  #noted(slot: number): boolean {
    const from = this.#cursor.at
    const taken = this.#slot(slot)
    if (this.#learns) this.#maker.add(slot, from, this.#cursor.at)
    return taken
  }

  #time(): boolean {
    const cursor = this.#cursor
    const ms = cursor.bytes[cursor.at] === quote ? inRange(isoTime(cursor)) : timeMs(cursor.number())
    if (Number.isNaN(ms)) return false
    this.#envelope.ts = ms
    this.#envelope.flags = this.#flags
    return true
  }

  #seq(): boolean {
    const seq = this.#cursor.number()
    this.#envelope.seq = seq
    return isSeq(seq)
  }

  #boot(): boolean {
    const cursor = this.#cursor
    const { bootBytes, boot } = this.#entry
    if (!cursor.take(quote)) return false
    const start = cursor.at
    if (bootBytes.length > 0 && cursor.takeWord(bootBytes) && cursor.bytes[cursor.at] === quote) {
      cursor.at++
      this.#envelope.boot = boot
      return true
    }
    return this.#otherBoot(start)
  }

  #otherBoot(start: number): boolean {
    const { bytes } = this.#cursor
    const end = bytes.indexOf(quote, start)
    if (end < 0 || end - start > 64) return false
    const name = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
    const boot = this.#boots.get(name)
    if (boot === undefined) return false
    this.#cursor.at = end + 1
    this.#envelope.boot = boot
    return true
  }

  #readingsObject(): boolean {
    const cursor = this.#cursor
    if (!cursor.take(openBrace)) return false
    if (cursor.take(closeBrace)) return true
    const before = this.#readings
    do {
      if (!this.#reading()) return false
    } while (cursor.take(comma))
    if (this.#readings - before > maxMetricsPerObject || this.#readings > maxReadingsPerMessage) return false
    return cursor.take(closeBrace)
  }

  #reading(): boolean {
    const cursor = this.#cursor
    const { table } = this.#entry
    if (!cursor.take(quote)) return false
    const index = table.find(cursor.bytes, cursor.at)
    if (index < 0) return false
    cursor.at += table.lengthOf(index) + 1
    if (!cursor.take(colon)) return false
    cursor.peek()
    const series = table.meet(index, this.#object)
    return series !== 0 && this.#noted(series)
  }

  #value(series: number): boolean {
    const value = this.#cursor.numberOrTruth()
    if (!(Math.abs(value) <= maxAbsoluteValue)) return false
    this.#columns.push(series, value)
    this.#readings++
    return true
  }
}
