const shortText = 24
/** Most readings have at most so many decimals; their text is made without a string. */
const decimalPlaces = 4
const decimalScale = 10 ** decimalPlaces
/** Whole numbers of 10,000ths that are exact. */
const maxWhole = 2 ** 53
const utf8 = new TextEncoder()

/**
 * Lines as the bytes that go over the wire: written once into one growing buffer, as strings of hundreds of pieces
 * would each be built, flattened and encoded again. Reused from batch to batch.
 */
export class LineBuffer {
  private bytes: Buffer
  private at = 0
  private ends = new Uint32Array(1024)
  private lines = 0

  constructor(capacity = 1 << 20) {
    this.bytes = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.lines
  }

  clear(): void {
    this.at = 0
    this.lines = 0
  }

  /** The bytes of lines [from, to); valid until the next write. */
  slice(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from === 0 ? 0 : this.ends[from - 1]!, to === 0 ? 0 : this.ends[to - 1]!)
  }

  /** Bytes that were encoded before, such as the head of a series. */
  put(encoded: Uint8Array): void {
    this.reserve(encoded.length)
    this.bytes.set(encoded, this.at)
    this.at += encoded.length
  }

  /** Text of ASCII alone. */
  ascii(text: string): void {
    const { length } = text
    this.reserve(length)
    const { bytes, at } = this
    if (length > shortText) bytes.write(text, at, 'latin1')
    else for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index)
    this.at = at + length
  }

  text(text: string): void {
    this.put(utf8.encode(text))
  }

  /** A float field's value: a text that reads back as the same double. */
  float(value: number): void {
    const whole = Math.round(value * decimalScale)
    // A quotient of two whole numbers below 2^53 is rounded once, as who reads the decimal rounds it.
    if (whole > -maxWhole && whole < maxWhole && whole / decimalScale === value && whole !== 0) this.decimal(whole)
    else this.ascii(Object.is(value, -0) ? '-0' : String(value))
  }

  /** An integer field's value. */
  integer(value: number): void {
    if (Number.isSafeInteger(value)) this.digits(value)
    else this.ascii(String(Math.trunc(value)))
    this.byte(0x69)
  }

  /** Ends the line with its time, epoch ms. */
  end(ms: number): void {
    this.byte(0x20)
    this.digits(ms)
    this.byte(0x0a)
    if (this.lines === this.ends.length) this.grow()
    this.ends[this.lines++] = this.at
  }

  private byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** A number of 10,000ths, without zeros at its end. */
  private decimal(whole: number): void {
    const size = whole < 0 ? -whole : whole
    let part = size % decimalScale
    if (part === 0) {
      this.digits(whole / decimalScale)
      return
    }
    // The sign of -0.5 would be lost with its whole part.
    if (whole < 0) this.byte(0x2d)
    this.digits((size - part) / decimalScale)
    let places = decimalPlaces
    for (; part % 10 === 0; places--) part /= 10
    this.byte(0x2e)
    this.reserve(places)
    this.at += places
    this.backwards(part, this.at, places)
  }

  private digits(value: number): void {
    this.reserve(20)
    let rest = value
    if (value < 0) {
      this.bytes[this.at++] = 0x2d
      rest = -value
    }
    let end = this.at + countDigits(rest)
    this.at = end
    for (; rest >= 1e9; end -= 4) {
      const low = rest % 1e4
      rest = (rest - low) / 1e4
      this.backwards(low, end, 4)
    }
    this.backwards(rest, end, 1)
  }

  /** Digits of a number below 2^31 that end before `end`: at least so many. */
  private backwards(value: number, end: number, least: number): void {
    const { bytes } = this
    let rest = value | 0
    let at = end
    for (let count = 0; count < least || rest > 0; count++) {
      const tenth = (rest / 10) | 0
      bytes[--at] = 0x30 + rest - tenth * 10
      rest = tenth
    }
  }

  private reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + length))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  private grow(): void {
    const larger = new Uint32Array(this.ends.length * 2)
    larger.set(this.ends)
    this.ends = larger
  }
}

function countDigits(value: number): number {
  let count = 1
  for (let limit = 10; value >= limit; limit *= 10) count++
  return count
}
