const connectType = 1
const maxLengthBytes = 4

/** Looks at the bytes of one MQTT connection as they arrive; answers with the reason to end it, or undefined. */
export type FrameGuard = (chunk: Uint8Array) => Refusal
type Refusal = 'not-mqtt' | 'packet-too-large' | undefined

/**
 * Follows packet borders through the byte stream and judges each packet by its declared length, so that
 * nothing of an oversized packet is ever buffered. The first packet must be a CONNECT.
 */
export function createFrameGuard(maxPacketBytes: number): FrameGuard {
  /** Bytes left of the current packet's body; -1 while a fixed header is read. */
  let left = -1
  /** Bytes of the length field seen so far; -1 before the type byte. */
  let lengthBytes = -1
  let length = 0
  let started = false

  function typeByte(byte: number): Refusal {
    if (!started && byte >> 4 !== connectType) return 'not-mqtt'
    started = true
    lengthBytes = 0
    length = 0
    return undefined
  }

  function lengthByte(byte: number): Refusal {
    length += (byte & 0x7f) * 128 ** lengthBytes++
    if (length > maxPacketBytes) return 'packet-too-large'
    if (byte < 0x80) left = length
    else if (lengthBytes === maxLengthBytes) return 'not-mqtt'
    return undefined
  }

  function skip(chunk: Uint8Array, at: number): number {
    const taken = Math.min(left, chunk.length - at)
    left -= taken
    return taken
  }

  function header(byte: number): Refusal {
    return lengthBytes < 0 ? typeByte(byte) : lengthByte(byte)
  }

  return (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (left >= 0) at += skip(chunk, at)
      else {
        const refusal = header(chunk[at++]!)
        if (refusal !== undefined) return refusal
      }
      if (left === 0) left = lengthBytes = -1
    }
    return undefined
  }
}
