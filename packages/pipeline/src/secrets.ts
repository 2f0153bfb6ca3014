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

/** Throws a UsageError where other users can read or change the file. */
export function refuseOpenSecret(file: string, setting: string): void {
  refuseOpenMode(file, setting, read(file, setting).mode)
}

function refuseOpenMode(file: string, setting: string, mode: number): void {
  if (process.platform === 'win32' || file.startsWith(mountedSecrets) || (mode & 0o027) === 0) return
  const found = 'a file that other users can read or change'
  throw secretError(file, { path: setting, found, expected: 'mode 0600 or 0640 (chmod 600)' })
}

/** A URL is shown in logs and pages, so a secret may not be in it. What is no URL has none. */
export function hasNoCredentials(url: string): boolean {
  const { username, password } = URL.parse(url) ?? { username: '', password: '' }
  return username === '' && password === ''
}

/** The text without the secrets in it; longer ones first, so that none leaves a rest. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length > 3).sort((a, b) => b.length - a.length)
  return known.reduce((shown, secret) => shown.replaceAll(secret, '(hidden)'), text)
}

/** The first line of a secret file, which other users must not be able to read; the secret is in no message. */
export function readSecret(file: string, setting: string): string {
  const { text, mode } = read(file, setting)
  refuseOpenMode(file, setting, mode)
  const secret = text.split('\n', 1)[0]!.trim()
  if (secret !== '') return secret
  throw secretError(file, { path: setting, found: 'an empty first line', expected: 'a secret in the first line' })
}
