/**
 * Which messages of a device a window holds, by boot. With a boot the numbers alone tell them apart, so they are kept as
 * ranges. Without one the device may have restarted silently: times are kept beside the numbers, because a number that
 * does not rise in time means that nobody can tell what is missing.
 */
import { ByteReader, ByteWriter } from './bytes.ts'
import { readNumbers, writeNumbers } from './columns.ts'
import { RangeSet } from './range-set.ts'

export interface BootMessages {
  /** 0 is none. */
  boot: number
  seqs: RangeSet
  /** Messages without a number, and those beyond what is kept. */
  unnumbered: number
  /** Without a boot: time and number of each message, in order of arrival. */
  times: number[]
  numbers: number[]
}

const writer = new ByteWriter(4096)
const mostMessages = 2 ** 24

export function addMessage(
  { boots, most }: { boots: BootMessages[]; most: number },
  boot: number,
  { ts, seq }: { ts: number; seq: number },
): void {
  const messages = messagesOf(boots, boot)
  if (Number.isNaN(seq)) messages.unnumbered += 1
  else if (boot !== 0) messages.seqs.add(seq)
  else if (messages.times.length >= most) messages.unnumbered += 1
  else {
    messages.times.push(ts)
    messages.numbers.push(seq)
  }
}

export function messagesOf(boots: BootMessages[], boot: number): BootMessages {
  const known = boots.find((messages) => messages.boot === boot)
  if (known) return known
  const messages = { boot, seqs: new RangeSet(), unnumbered: 0, times: [], numbers: [] }
  boots.push(messages)
  return messages
}

/** Places of the messages without boot, by time and then number. */
export function inTime({ times, numbers }: BootMessages): Uint32Array {
  const order = (a: number, b: number) => times[a]! - times[b]! || numbers[a]! - numbers[b]!
  return Uint32Array.from(times, (_, i) => i).sort(order)
}

/** Boots rising, times rising: bytes do not depend on the order of arrival. */
export function writeMessages(out: ByteWriter, boots: readonly BootMessages[]): void {
  out.reserve(8)
  out.varint(boots.length)
  for (const messages of boots.toSorted((a, b) => a.boot - b.boot)) {
    out.reserve(40)
    out.varint(messages.boot)
    out.varint(messages.unnumbered)
    messages.seqs.write(out)
    writeTimes(out, messages)
  }
}

function writeTimes(out: ByteWriter, messages: BootMessages): void {
  const { times, numbers } = messages
  out.reserve(8)
  out.varint(times.length)
  if (times.length === 0) return
  const places = inTime(messages)
  const inOrder = (column: readonly number[]) => Float64Array.from(places, (i) => column[i]!)
  writeNumbers(out, inOrder(times), 'line')
  writeNumbers(out, inOrder(numbers), 'line')
}

/** Throws RangeError on bytes that `writeMessages` did not make. */
export function readMessages(from: ByteReader): BootMessages[] {
  return Array.from({ length: from.count(from.left) }, () => {
    const boot = from.varint()
    const unnumbered = from.varint()
    const seqs = RangeSet.read(from)
    const length = from.count(mostMessages)
    const times = Array.from(readNumbers(from, length, 'line'))
    return { boot, unnumbered, seqs, times, numbers: Array.from(readNumbers(from, length, 'line')) }
  })
}

export function encodeMessages(boots: readonly BootMessages[]): Uint8Array<ArrayBuffer> {
  writeMessages(writer, boots)
  return writer.take()
}

export function decodeMessages(bytes: Uint8Array): BootMessages[] {
  const from = new ByteReader(bytes)
  const boots = readMessages(from)
  from.end()
  return boots
}
