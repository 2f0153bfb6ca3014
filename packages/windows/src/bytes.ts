const twoTo31 = 2 ** 31

/** Growing byte buffer. Varints hold whole numbers from 0 below 2^53. */
export class ByteWriter {
  private bytes: Uint8Array<ArrayBuffer>
  private view: DataView<ArrayBuffer>
  private at = 0

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room; `byte` and `varint` do not look, so call it first with what they will need at most. */
  reserve(count: number): void {
    if (this.at + count <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + count))
    grown.set(this.bytes)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  byte(value: number): void {
    this.bytes[this.at++] = value
  }

  varint(value: number): void {
    let rest = value < twoTo31 ? value | 0 : this.lowBytes(value)
    while (rest > 127) {
      this.bytes[this.at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.bytes[this.at++] = rest
  }

  /** Writes what bit operations cannot reach and returns the rest. */
  private lowBytes(value: number): number {
    let rest = value
    while (rest >= twoTo31) {
      this.bytes[this.at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    return rest
  }

  float(value: number): void {
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** With its length in front; makes its own room. */
  block(block: Uint8Array): void {
    this.reserve(block.length + 8)
    this.varint(block.length)
    this.bytes.set(block, this.at)
    this.at += block.length
  }

  text(text: string): void {
    this.block(encoder.encode(text))
  }

  /** A copy of what was written; the writer can be used again from its start. */
  take(pool?: BytePool): Uint8Array<ArrayBuffer> {
    const taken = pool ? pool.copy(this.bytes.subarray(0, this.at)) : this.bytes.slice(0, this.at)
    this.at = 0
    return taken
  }
}

const slabBytes = 65_536

/** Many short byte arrays that are written and dropped together, as views of a few buffers. */
export class BytePool {
  private slab = new Uint8Array(0)
  private used = 0

  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.used + bytes.length > this.slab.length) {
      this.slab = new Uint8Array(Math.max(slabBytes, bytes.length))
      this.used = 0
    }
    const copy = this.slab.subarray(this.used, this.used + bytes.length)
    copy.set(bytes)
    this.used += bytes.length
    return copy
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Throws RangeError where bytes end too early or a number is out of its range. */
export class ByteReader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new RangeError('bytes end too early')
    return byte
  }

  varint(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new RangeError('a varint is too long')
  }

  /** A varint that counts things which take at least `1 / perByte` bytes each. */
  count(most: number): number {
    const count = this.varint()
    if (count > most) throw new RangeError(`a count of ${count} where at most ${most} fit`)
    return count
  }

  float(): number {
    const value = this.view.getFloat64(this.at, true)
    this.at += 8
    return value
  }

  block(): Uint8Array {
    const length = this.count(this.left)
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  text(): string {
    return decoder.decode(this.block())
  }

  end(): void {
    if (this.left > 0) throw new RangeError(`${this.left} bytes too many`)
  }
}
