import { maxAbsoluteValue } from '@millrace/contracts'
import type { SlotValues } from './batch-builder.ts'
import { Cursor } from './cursor.ts'
import { isoTime } from './iso-time.ts'
import { comma, quote } from './json-bytes.ts'
import { type Skeleton, seqSlot, tsSlot } from './skeleton.ts'
import { inRange, isSeq, timeMs } from './token-limits.ts'

/** Longer messages are not worth a skeleton. */
export const longestSkeleton = 4096
/** What may be read behind the end: a word, or the fixed places of a time in text. */
const slack = 64
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
/** The upper halves of four bytes, and what they are in four digits. */
const highHalves = 0xf0f0f0f0 | 0
const digitHalves = 0x30303030
/** Digits that fit into 32 bits. */
const groupDigits = 9
/** Digits whose value a double always holds exactly. */
const maxExactDigits = 15
const powers = Float64Array.from({ length: maxExactDigits }, (_, exponent) => Number(`1e${exponent}`))

// Each message is copied to one place that the compiler knows, and read there in words: cheaper than where it lies.
const bytes = Buffer.alloc(longestSkeleton + slack)
const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

/** The number that the four bytes at a place make; -1 where they are no digits. */
function fourDigits(at: number): number {
  const word = words.getInt32(at, true)
  const areDigits = (word & highHalves) === digitHalves && ((word + 0x06060606) & highHalves) === digitHalves
  if (!areDigits) return -1
  const digits = word & 0x0f0f0f0f
  const pairs = (digits * 10 + (digits >>> 8)) & 0x00ff00ff
  return (pairs * 100 + (pairs >>> 16)) & 0xffff
}

/** Reads the numbers of messages that equal a skeleton around them. */
export class SkeletonReader implements SlotValues {
  slots: readonly number[] = []
  readonly values = new Float64Array(longestSkeleton)
  /** NaN where the message has none. */
  ts = Number.NaN
  seq = Number.NaN
  /** For tokens that are no plain number. */
  readonly #cursor = new Cursor()
  #at = 0

  constructor() {
    this.#cursor.open(bytes)
  }

  /** False where the message does not equal the skeleton, or a token is none that its slot takes. */
  read({ template, slots }: Skeleton, body: Uint8Array): boolean {
    if (!this.#open(body)) return false
    this.slots = slots
    let place = 0
    for (let n = 0; n < slots.length; n++) {
      place = this.#follow(template, place)
      if (place < 0 || !this.#take(slots[n]!, n)) return false
    }
    return this.#follow(template, place) >= 0 && this.#at === body.length
  }

  #open(body: Uint8Array): boolean {
    if (body.length > longestSkeleton) return false
    bytes.set(body)
    // Ends a token at the end of the message, and equals nothing that a template holds.
    bytes[body.length] = 0
    this.#at = 0
    this.ts = Number.NaN
    this.seq = Number.NaN
    return true
  }

  /** Takes the stretch of the template that begins at `place`; answers where the next one does, or -1 where it differs. */
  #follow(template: Int32Array, place: number): number {
    const length = template[place]!
    const whole = this.#at + (length & ~3)
    let next = place + 1
    for (let at = this.#at; at < whole; at += 4) if (words.getInt32(at, true) !== template[next++]) return -1
    if ((words.getInt32(whole, true) & template[next]!) !== template[next + 1]) return -1
    this.#at += length
    return next + 2
  }

  #take(slot: number, n: number): boolean {
    if (slot === tsSlot) {
      this.ts = bytes[this.#at] === quote ? inRange(this.#text()) : timeMs(this.#usualTime())
      return !Number.isNaN(this.ts)
    }
    const number = this.#number()
    if (slot === seqSlot) {
      this.seq = number
      return isSeq(number)
    }
    this.values[n] = number
    return Math.abs(number) <= maxAbsoluteValue
  }

  /** Epoch ms of our days has 13 digits. */
  #usualTime(): number {
    const at = this.#at
    const high = fourDigits(at)
    const middle = fourDigits(at + 4)
    const low = fourDigits(at + 8)
    const last = bytes[at + 12]! - zero
    const usual = high >= 1_000 && (middle | low | last) >= 0 && last <= 9 && bytes[at + 13] === comma
    if (!usual) return this.#number()
    this.#at = at + 13
    return (high * 10_000 + middle) * 100_000 + (low * 10 + last)
  }

  /** A number of at most 15 digits, in which the digits and the power of ten are exact doubles; the cursor reads all else. */
  #number(): number {
    const start = this.#at
    const negative = bytes[start] === minus
    const first = negative ? start + 1 : start
    const whole = this.#digits(first)
    const wholeDigits = this.#at - first
    if (wholeDigits === 0 || (bytes[first] === zero && wholeDigits > 1)) return this.#otherNumber(start)
    const size = bytes[this.#at] === dot ? this.#withFraction(whole, wholeDigits) : whole
    const next = bytes[this.#at]! | 0x20
    if (wholeDigits > maxExactDigits || Number.isNaN(size) || next === 0x65) return this.#otherNumber(start)
    return negative ? -size : size
  }

  /** NaN where there is no fraction or there are too many digits. */
  #withFraction(whole: number, wholeDigits: number): number {
    const first = this.#at + 1
    const fraction = this.#digits(first)
    const decimals = this.#at - first
    if (decimals === 0 || wholeDigits + decimals > maxExactDigits) return Number.NaN
    return (whole * powers[decimals]! + fraction) / powers[decimals]!
  }

  /** Digits from `from` on, up to 18. */
  #digits(from: number): number {
    const first = this.#group(from)
    const middle = this.#at
    if (middle - from < groupDigits) return first
    const second = this.#group(middle)
    return first * powers[this.#at - middle]! + second
  }

  /** Digits from `from` on, up to 9. */
  #group(from: number): number {
    const end = from + groupDigits
    let group = 0
    let at = from
    while (at < end) {
      const digit = (bytes[at]! - zero) >>> 0
      if (digit > 9) break
      group = (group * 10 + digit) | 0
      at++
    }
    this.#at = at
    return group
  }

  #otherNumber(start: number): number {
    this.#cursor.at = start
    const number = this.#cursor.numberOrTruth()
    this.#at = this.#cursor.at
    return number
  }

  #text(): number {
    this.#cursor.at = this.#at
    const ms = isoTime(this.#cursor)
    this.#at = this.#cursor.at
    return ms
  }
}
