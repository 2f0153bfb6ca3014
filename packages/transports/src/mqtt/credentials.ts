import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { refuseOpenSecret, UsageError } from '@millrace/pipeline'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const hashBytes = 32
const maxRemembered = 20_000

/** A device may publish its own telemetry and nothing else; a service may publish and subscribe freely. */
export type Role = 'device' | 'service'

export interface Credentials {
  /** The role of the user, or undefined where name or secret is wrong. */
  verify(user: string, secret: Uint8Array): Promise<Role | undefined>
  /** The role where the secret was found right before, which costs nothing. */
  recognise(user: string, secret: Uint8Array): Role | undefined
}

interface Entry {
  role: Role
  salt: Buffer
  hash: Buffer
}

/** A line for a credentials file: `user:role:salt:hash`, salt and scrypt hash in base64. */
export async function credentialLine(user: string, role: Role, secret: string): Promise<string> {
  const salt = randomBytes(16)
  const hash = await derive(secret, salt, hashBytes)
  return `${user}:${role}:${salt.toString('base64')}:${hash.toString('base64')}`
}

function parseLine(line: string): [string, Entry] | undefined {
  const [user, role, salt, hash, ...rest] = line.trim().split(':')
  if (!user || !salt || !hash || rest.length > 0) return undefined
  if (role !== 'device' && role !== 'service') return undefined
  const entry = { role, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') } as const
  return entry.hash.length === hashBytes ? [user, entry] : undefined
}

/** Throws an Error that names the line, never its content. */
export function parseCredentials(text: string): Credentials {
  const entries = new Map<string, Entry>()
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const parsed = parseLine(line)
    if (!parsed) throw new Error(`line ${index + 1} is not of the form user:device|service:salt:hash`)
    entries.set(...parsed)
  }
  return verifier(entries)
}

/** Rejects with a UsageError that names the setting where the file cannot be read or has a bad line. */
export async function readCredentials(file: string, setting = 'credentialsFile'): Promise<Credentials> {
  try {
    const text = await readFile(file, 'utf8')
    refuseOpenSecret(file, setting)
    return parseCredentials(text)
  } catch (cause) {
    if (cause instanceof UsageError) throw cause
    const found = cause instanceof Error ? cause.message : String(cause)
    const problem = { path: setting, found, expected: 'lines user:device|service:salt:hash' }
    throw new UsageError(`the credentials file ${file} cannot be used`, [problem], { code: 'secret-unreadable', cause })
  }
}

/** scrypt costs tens of ms by intent, so a secret once found right is recognised by a keyed digest from then on. */
function verifier(entries: ReadonlyMap<string, Entry>): Credentials {
  const key = randomBytes(32)
  const known = new Map<string, string>()
  const absent: Entry = { role: 'device', salt: randomBytes(16), hash: randomBytes(hashBytes) }
  const digestOf = (secret: Uint8Array) => createHmac('sha256', key).update(secret).digest('base64')
  return {
    recognise: (user, secret) => (known.get(user) === digestOf(secret) ? entries.get(user)?.role : undefined),
    async verify(user, secret) {
      const entry = entries.get(user) ?? absent
      const hash = await derive(Buffer.from(secret).toString('utf8'), entry.salt, hashBytes)
      if (!timingSafeEqual(hash, entry.hash) || entry === absent) return undefined
      if (known.size < maxRemembered) known.set(user, digestOf(secret))
      return entry.role
    },
  }
}
