import type { Parsed } from '../parse-body.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** A payload that is one value in plain text, as a document that is that text. */
export function textOf(body: Uint8Array): Parsed {
  try {
    return { json: utf8.decode(body).trim() }
  } catch {
    return { reason: 'bad-utf8' }
  }
}
