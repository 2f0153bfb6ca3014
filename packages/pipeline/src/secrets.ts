import { readFileSync, statSync } from 'node:fs'
import { UsageError } from './errors.ts'

/** Where container engines mount secrets, with a mode that is theirs to choose. */
const mountedSecrets = '/run/secrets/'

function secretError(file: string, problem: { path: string; found: string; expected: string }, cause?: unknown) {
  return new UsageError(`the secret file ${file} cannot be used`, [problem], { code: 'secret-unreadable', cause })
}

function read(file: string, path: string): { text: string; mode: number } {
  try {
    return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode }
  } catch (cause) {
    const found = `no readable file (${(cause as NodeJS.ErrnoException).code})`
    throw secretError(file, { path, found, expected: 'a file with the secret in its first line' }, cause)
  }
}

/** The first line of a secret file, which other users must not be able to read; the secret is in no message. */
export function readSecret(file: string, setting: string): string {
  const { text, mode } = read(file, setting)
  const open = process.platform !== 'win32' && !file.startsWith(mountedSecrets) && (mode & 0o027) !== 0
  if (open) {
    const found = 'a file that other users can read or change'
    throw secretError(file, { path: setting, found, expected: 'mode 0600 or 0640 (chmod 600)' })
  }
  const secret = text.split('\n', 1)[0]!.trim()
  if (secret !== '') return secret
  throw secretError(file, { path: setting, found: 'an empty first line', expected: 'a secret in the first line' })
}
