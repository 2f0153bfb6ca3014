const space = 0x20
const minus = 0x2d
const dot = 0x2e
const zero = 0x30
const nine = 0x39
/** Digits whose value a double always holds exactly. */
const maxExactDigits = 15
/** 10^22 is the largest power of ten that a double holds exactly. */
const maxExactDecimals = 22
const powers = Float64Array.from({ length: maxExactDecimals + 1 }, (_, exponent) => Number(`1e${exponent}`))

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine
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
    if (this.peek() !== byte) return false
    this.at++
    return true
  }

  /** Takes a word that must stand exactly here. */
  takeWord(word: Uint8Array): boolean {
    for (let n = 0; n < word.length; n++) if (this.bytes[this.at + n] !== word[n]) return false
    this.at += word.length
    return true
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

  /** Takes digits from `at` on into `#digits`; answers how many. */
  #digitsFrom(at: number): number {
    const { bytes } = this
    let digits = this.#digits
    let end = at
    for (let byte = bytes[end]; isDigit(byte); byte = bytes[++end]) digits = digits * 10 + byte! - zero
    this.#digits = digits
    this.at = end
    return end - at
  }

  /** A number with an exponent or many digits, whose digits end at the position. */
  #longNumber(start: number): number {
    const { bytes } = this
    if (isExponent(bytes[this.at])) {
      let at = this.at + 1
      if (bytes[at] === minus || bytes[at] === 0x2b) at++
      if (!isDigit(bytes[at])) return Number.NaN
      while (isDigit(bytes[at])) at++
      this.at = at
    }
    return Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, this.at - start).toString('latin1'))
  }
}
