const shortText = 24
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
    if (length > shortText) this.bytes.write(text, this.at, 'latin1')
    else for (let index = 0; index < length; index++) this.bytes[this.at + index] = text.charCodeAt(index)
    this.at += length
  }

  text(text: string): void {
    this.put(utf8.encode(text))
  }

  /** A float field's value: the shortest text that reads back as the same double. */
  float(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < 1e9) this.digits(value, Object.is(value, -0))
    else this.ascii(String(value))
  }

  /** An integer field's value. */
  integer(value: number): void {
    if (Number.isSafeInteger(value)) this.digits(value, false)
    else this.ascii(String(Math.trunc(value)))
    this.byte(0x69)
  }

  /** Ends the line with its time, epoch ms. */
  end(ms: number): void {
    this.byte(0x20)
    this.digits(ms, false)
    this.byte(0x0a)
    if (this.lines === this.ends.length) this.grow()
    this.ends[this.lines++] = this.at
  }

  private byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  private digits(value: number, negativeZero: boolean): void {
    this.reserve(20)
    let rest = value < 0 ? -value : value
    if (value < 0 || negativeZero) this.bytes[this.at++] = 0x2d
    let end = this.at + countDigits(rest)
    this.at = end
    while (rest >= 1e9) {
      const low = rest % 1e4
      rest = (rest - low) / 1e4
      end = this.group(low, end)
    }
    let small = rest | 0
    do {
      const tenth = (small / 10) | 0
      this.bytes[--end] = 0x30 + small - tenth * 10
      small = tenth
    } while (small > 0)
  }

  private group(four: number, end: number): number {
    let low = four | 0
    for (let index = 0; index < 4; index++) {
      const tenth = (low / 10) | 0
      this.bytes[end - 1 - index] = 0x30 + low - tenth * 10
      low = tenth
    }
    return end - 4
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
