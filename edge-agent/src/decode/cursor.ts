import { falseWord, trueWord } from './json-bytes.ts'

const space = 0x20
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const nine = 0x39
/** Digits whose value a double always holds exactly. */
const maxExactDigits = 15
/** 10^22 is the largest power of ten that a double holds exactly. */
const maxExactDecimals = 22
/** Digits that fit into 32 bits. */
const groupDigits = 9
const powers = Float64Array.from({ length: maxExactDecimals + 1 }, (_, exponent) => Number(`1e${exponent}`))

/** The digit at a place, or -1. */
function digitAt(bytes: Uint8Array, at: number): number {
  const byte = at < bytes.length ? bytes[at]! : 0
  return byte >= zero && byte <= nine ? byte - zero : -1
}

/** JSON white space apart from the space itself. */
function isRareSpace(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isExponent(byte: number | undefined): boolean {
  return byte === 0x65 || byte === 0x45
}

/** Reads JSON tokens from bytes. A token that is not understood leaves the position anywhere: the reader then gives up. */
export class Cursor {
  bytes: Uint8Array = new Uint8Array()
  at = 0
  #digits = 0

  open(bytes: Uint8Array): void {
    this.bytes = bytes
    this.at = 0
  }

  /** The next byte that is no white space, not taken; -1 at the end. */
  peek(): number {
    const { bytes } = this
    while (this.at < bytes.length) {
      const byte = bytes[this.at]!
      if (byte > space || (byte !== space && !isRareSpace(byte))) return byte
      this.at++
    }
    return -1
  }

  /** Takes the byte if it is next, white space aside. */
  take(byte: number): boolean {
    if (this.bytes[this.at] !== byte && this.peek() !== byte) return false
    this.at++
    return true
  }

  /** Takes a word that must stand exactly here. */
  takeWord(word: Uint8Array): boolean {
    for (let n = 0; n < word.length; n++) if (this.bytes[this.at + n] !== word[n]) return false
    this.at += word.length
    return true
  }

  /** A number at the position, or 1 for true and 0 for false; NaN for anything else. */
  numberOrTruth(): number {
    const first = this.bytes[this.at]
    if (first === trueWord[0]) return this.takeWord(trueWord) ? 1 : Number.NaN
    if (first === falseWord[0]) return this.takeWord(falseWord) ? 0 : Number.NaN
    return this.number()
  }

  /**
   * A JSON number at the position, equal to what JSON.parse makes of it; NaN where there is none.
   * Up to 15 digits the digits and the power of ten are exact doubles, so one division rounds correctly.
   */
  number(): number {
    const { bytes } = this
    const start = this.at
    const negative = bytes[start] === minus
    this.#digits = 0
    const first = negative ? start + 1 : start
    const whole = this.#digitsFrom(first)
    if (whole === 0 || (whole > 1 && bytes[first] === zero)) return Number.NaN
    let decimals = 0
    if (bytes[this.at] === dot) {
      decimals = this.#digitsFrom(this.at + 1)
      if (decimals === 0) return Number.NaN
    }
    if (whole + decimals > maxExactDigits || isExponent(bytes[this.at])) return this.#longNumber(start)
    const size = this.#digits / powers[decimals]!
    return negative ? -size : size
  }

  /** Takes digits from `at` on into `#digits`; answers how many. Nine at a time in whole numbers, which are faster. */
  #digitsFrom(at: number): number {
    const { bytes } = this
    let group = 0
    let inGroup = 0
    let end = at
    for (let digit = digitAt(bytes, end); digit >= 0; digit = digitAt(bytes, ++end)) {
      group = (group * 10 + digit) | 0
      if (++inGroup < groupDigits) continue
      this.#digits = this.#digits * powers[groupDigits]! + group
      group = inGroup = 0
    }
    this.#digits = this.#digits * powers[inGroup]! + group
    this.at = end
    return end - at
  }

  /** A number with an exponent or many digits, whose digits end at the position. */
  #longNumber(start: number): number {
    const { bytes } = this
    if (isExponent(bytes[this.at])) {
      let at = this.at + 1
      if (bytes[at] === minus || bytes[at] === 0x2b) at++
      if (digitAt(bytes, at) < 0) return Number.NaN
      while (digitAt(bytes, at) >= 0) at++
      this.at = at
    }
    return Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, this.at - start).toString('latin1'))
  }
}
