/** Bytes of a file. */
export class Content {
  #bytes = Buffer.alloc(0)
  #length = 0

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  copy(): Content {
    const copy = new Content()
    copy.write(0, this.bytes)
    return copy
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.byteLength
    if (end > this.#length) this.resize(end)
    this.#bytes.set(bytes, offset)
  }

  /** What is new is zeros. */
  resize(length: number): void {
    if (length > this.#bytes.byteLength) {
      const grown = Buffer.alloc(Math.max(length, 2 * this.#bytes.byteLength, 65_536))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    } else if (length > this.#length) this.#bytes.fill(0, this.#length, length)
    this.#length = length
  }
}
