import { readFileSync, statSync } from 'node:fs'
import { UsageError } from './errors.ts'

/** The first line of a secret file that only its owner can read; the secret is in no message. */
export function readSecret(file: string, setting: string): string {
  const refuse = (found: string, expected: string, cause?: unknown): never => {
    throw new UsageError(`the secret file ${file} cannot be used`, [{ path: setting, found, expected }], {
      code: 'secret-unreadable',
      cause,
    })
  }
  let text = ''
  try {
    text = readFileSync(file, 'utf8').split('\n', 1)[0]!.trim()
    const mode = statSync(file).mode & 0o077
    if (process.platform !== 'win32' && mode !== 0) refuse('a file that others can read', 'mode 0600 (chmod 600)')
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    refuse(
      `no readable file (${(cause as NodeJS.ErrnoException).code})`,
      'a file with the secret in its first line',
      cause,
    )
  }
  if (text === '') refuse('an empty first line', 'a secret in the first line')
  return text
}
