import type { SetAsideReason } from '@millrace/contracts'

/** Deepest nesting of objects and arrays; a good message needs three. */
const maxDepth = 32

export type Parsed = { json: unknown } | { reason: SetAsideReason }

// A byte order mark is no JSON and stays, to be refused as such.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const quote = 0x22
const backslash = 0x5c
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])

/** First index behind the string that opens at `at`. */
function skipString(bytes: Uint8Array, at: number): number {
  let end = at + 1
  while (end < bytes.length && bytes[end] !== quote) end += bytes[end] === backslash ? 2 : 1
  return end + 1
}

function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === quote) {
      at = skipString(bytes, at)
      continue
    }
    if (openers.has(byte)) depth++
    else if (closers.has(byte)) depth--
    if (depth > maxDepth) return true
    at++
  }
  return false
}

/** The value of JSON bytes, or why they cannot be decoded. Judged in this order: UTF-8, depth, JSON. */
export function parseBody(body: Uint8Array): Parsed {
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    return { reason: 'bad-utf8' }
  }
  if (isTooDeep(body)) return { reason: 'too-deep' }
  try {
    return { json: JSON.parse(text) }
  } catch {
    return { reason: 'bad-json' }
  }
}
