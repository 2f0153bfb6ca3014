import { randomBytes } from 'node:crypto'

export function newKey(): string {
  return randomBytes(32).toString('base64')
}

export function newEtag(): string {
  return randomBytes(8).toString('base64')
}

/** Base64 of at least 16 and at most 64 bytes, as the hub wants it. */
export function isKey(text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text && bytes.length >= 16 && bytes.length <= 64
}
