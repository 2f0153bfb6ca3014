import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'

/** What an event holds as bytes, whatever section of AMQP it came in. */
export function rawBody(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (body === undefined || body === null) return new Uint8Array()
  if (typeof body === 'string') return Buffer.from(body)
  if (Array.isArray(body) && body.every((part) => part instanceof Uint8Array)) return Buffer.concat(body)
  return Buffer.from(JSON.stringify(body) ?? '')
}

type Decoder = (bytes: Uint8Array, limit: { maxOutputLength: number }) => Uint8Array

function utf32(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength - (bytes.byteLength % 4))
  if (view.byteLength === 0) return new Uint8Array()
  const big = view.getUint8(0) === 0
  const points = Array.from({ length: view.byteLength / 4 }, (_, index) => view.getUint32(index * 4, !big))
  const text = points.filter((point, index) => index > 0 || point !== 0xfeff)
  return Buffer.from(text.map((point) => String.fromCodePoint(point)).join(''))
}

/** The byte order mark says which end is first; without one the other byte of an ASCII character, which is 0. */
function utf16(bytes: Uint8Array): Uint8Array {
  const big = bytes[0] === 0xfe || bytes[0] === 0
  return Buffer.from(new TextDecoder(big ? 'utf-16be' : 'utf-16le', { fatal: true }).decode(bytes))
}

const decoders: Readonly<Record<string, Decoder>> = {
  'utf-16': utf16,
  'utf-16le': utf16,
  'utf-16be': utf16,
  'utf-32': utf32,
  gzip: (bytes, limit) => gunzipSync(bytes, limit),
  deflate: (bytes, limit) => inflateSync(bytes, limit),
  br: (bytes, limit) => brotliDecompressSync(bytes, limit),
}

/** The body in UTF-8; undefined where it is not what its encoding says, or much too large. */
export function decodeBody(
  bytes: Uint8Array,
  { encoding, maxBodyBytes }: { encoding: string | undefined; maxBodyBytes: number },
): Uint8Array | undefined {
  const decoder = decoders[encoding?.trim().toLowerCase() ?? '']
  if (!decoder) return bytes
  try {
    // One byte more than is allowed, so that too large a body is found to be so.
    return decoder(bytes, { maxOutputLength: maxBodyBytes + 1 })
  } catch {
    return undefined
  }
}
