const utf8 = new TextDecoder('utf-8', { fatal: true })

/** First bytes of AMQP texts, as the Kafka side of an event hub hands on properties: bytes of the length, symbol or not. */
const lengthBytes: Readonly<Record<number, 1 | 4>> = { 160: 1, 161: 1, 163: 1, 176: 4, 177: 4, 179: 4 }

function unwrapped(bytes: Buffer): Buffer {
  const width = lengthBytes[bytes[0] ?? 0]
  if (width === undefined || bytes.byteLength < 1 + width) return bytes
  const length = width === 1 ? bytes[1]! : bytes.readUInt32BE(1)
  return bytes.byteLength === 1 + width + length ? bytes.subarray(1 + width) : bytes
}

/** Text of a property, whoever wrote it: AMQP types only where first byte and length fit, else plain UTF-8. */
export function foreignText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (!(value instanceof Uint8Array)) return undefined
  try {
    return utf8.decode(unwrapped(Buffer.from(value.buffer, value.byteOffset, value.byteLength)))
  } catch {
    return undefined
  }
}
