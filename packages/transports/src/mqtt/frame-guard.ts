const connectType = 1
const publishType = 3
/** What a sender may send as often as it likes; acknowledgements are as many as what they acknowledge. */
const costlyTypes = [publishType, 8, 10, 12]
/** Nobody has signed in yet who sends it. */
const maxConnectBytes = 16 * 1024
const maxLengthBytes = 4

type Refusal = 'not-mqtt' | 'packet-too-large' | undefined

/**
 * Follows packet borders through the bytes of one MQTT connection and judges each packet by its declared length,
 * so that nothing of an oversized packet is ever buffered. The first packet must be a CONNECT.
 */
export class FrameGuard {
  readonly #maxPacketBytes: number
  /** What the packets seen so far count against a quota: one each, and one more for each KiB. */
  cost = 0
  /** True once one of them was a publish. */
  published = false
  #type = 0
  /** Bytes left of the current packet's body; -1 while a fixed header is read. */
  #left = -1
  /** Bytes of the length field seen so far; -1 before the type byte. */
  #lengthBytes = -1
  #length = 0
  #started = false

  constructor(maxPacketBytes: number) {
    this.#maxPacketBytes = maxPacketBytes
  }

  /** The reason to end the connection that sent these bytes, or undefined. */
  check(chunk: Uint8Array): Refusal {
    let at = 0
    while (at < chunk.length) {
      if (this.#left >= 0) at += this.#skip(chunk.length - at)
      else {
        const refusal = this.#header(chunk[at++]!)
        if (refusal !== undefined) return refusal
      }
      if (this.#left === 0) this.#left = this.#lengthBytes = -1
    }
    return undefined
  }

  #skip(available: number): number {
    const taken = Math.min(this.#left, available)
    this.#left -= taken
    return taken
  }

  #header(byte: number): Refusal {
    if (this.#lengthBytes >= 0) return this.#lengthByte(byte)
    if (!this.#started && byte >> 4 !== connectType) return 'not-mqtt'
    this.#started = true
    this.#type = byte >> 4
    this.#lengthBytes = 0
    this.#length = 0
    return undefined
  }

  #lengthByte(byte: number): Refusal {
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++
    if (this.#length > this.#most) return 'packet-too-large'
    if (byte < 0x80) this.#body()
    else if (this.#lengthBytes === maxLengthBytes) return 'not-mqtt'
    return undefined
  }

  get #most(): number {
    return this.#type === connectType ? Math.min(maxConnectBytes, this.#maxPacketBytes) : this.#maxPacketBytes
  }

  #body(): void {
    this.#left = this.#length
    if (!costlyTypes.includes(this.#type)) return
    this.cost += 1 + (this.#length >> 10)
    this.published ||= this.#type === publishType
  }
}
