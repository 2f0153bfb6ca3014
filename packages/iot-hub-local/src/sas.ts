import { createHmac, timingSafeEqual } from 'node:crypto'

export interface TokenFields {
  /** As received, still encoded: the signature covers this text. */
  sr: string
  sig: string
  /** As received: whole epoch seconds. */
  se: string
  skn: string | undefined
}

export interface TokenRequest {
  /** Not encoded, such as `contoso.azure-devices.net/devices/pi-01`. */
  resource: string
  /** Base64. */
  key: string
  expiresS: number
  policy?: string
}

export interface TokenCheck {
  /** Whether the token's resource, decoded, covers what is asked for. */
  covers(resource: string): boolean
  /** Keys in base64 that may have signed a token of this policy (of none when undefined). */
  keys(policy: string | undefined): readonly string[]
  nowMs: number
}

export type TokenVerdict =
  | { ok: true; expiresMs: number; policy: string | undefined }
  | { ok: false; reason: 'malformed' | 'wrong-resource' | 'unknown-policy' | 'wrong-signature' | 'expired' }

const prefix = 'SharedAccessSignature '

/** encodeURIComponent, and `! ' ( ) *` too. */
export function strictEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Undefined where a percent sign stands for nothing. */
export function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function signature(key: string, sr: string, se: string): Buffer {
  return createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`).digest()
}

export function makeToken({ resource, key, expiresS, policy }: TokenRequest): string {
  const sr = strictEncode(resource)
  const sig = strictEncode(signature(key, sr, String(expiresS)).toString('base64'))
  const skn = policy === undefined ? '' : `&skn=${strictEncode(policy)}`
  return `${prefix}sr=${sr}&sig=${sig}&se=${expiresS}${skn}`
}

/** The fields in any order, each once; undefined for anything else. */
export function parseToken(text: string): TokenFields | undefined {
  if (!text.startsWith(prefix)) return undefined
  const fields = new Map<string, string>()
  for (const part of text.slice(prefix.length).split('&')) {
    const at = part.indexOf('=')
    const name = part.slice(0, at)
    if (at < 1 || fields.has(name)) return undefined
    fields.set(name, part.slice(at + 1))
  }
  const [sr, sig, se] = [fields.get('sr'), decodePercent(fields.get('sig') ?? '%'), fields.get('se')]
  const skn = decodePercent(fields.get('skn') ?? '')
  if (!sr || !sig || se === undefined || skn === undefined || !/^\d{1,12}$/.test(se)) return undefined
  return { sr, sig, se, skn: skn === '' ? undefined : skn }
}

function sameBytes(expected: Buffer, received: string): boolean {
  const bytes = Buffer.from(received, 'base64')
  // Node's decoder is lenient: only the one spelling of these bytes is taken.
  return bytes.toString('base64') === received && bytes.length === expected.length && timingSafeEqual(bytes, expected)
}

/** Judges a shared access signature; a token whose time has come is as bad as one with a wrong signature. */
export function verifyToken(text: string, { covers, keys, nowMs }: TokenCheck): TokenVerdict {
  const fields = parseToken(text)
  const resource = fields && decodePercent(fields.sr)
  if (!fields || resource === undefined) return { ok: false, reason: 'malformed' }
  if (!covers(resource)) return { ok: false, reason: 'wrong-resource' }
  const candidates = keys(fields.skn)
  if (candidates.length === 0) return { ok: false, reason: 'unknown-policy' }
  const signed = candidates.map((key) => sameBytes(signature(key, fields.sr, fields.se), fields.sig))
  if (!signed.includes(true)) return { ok: false, reason: 'wrong-signature' }
  const expiresMs = Number(fields.se) * 1000
  if (expiresMs <= nowMs) return { ok: false, reason: 'expired' }
  return { ok: true, expiresMs, policy: fields.skn }
}

/** Key of one device of a group enrolment. */
export function deriveKey(groupKey: string, registrationId: string): string {
  return createHmac('sha256', Buffer.from(groupKey, 'base64')).update(registrationId).digest('base64')
}

/** Without scheme and port, lower case. */
export function hostOf(text: string): string {
  const host = text.replace(/^\w+:\/\//, '').split('/', 1)[0]!
  return host.replace(/:\d+$/, '').toLowerCase()
}

/** True when `resource`, as in a token, is `path` of one of these hosts or stands above it. */
export function resourceCovers(resource: string, hosts: readonly string[], path: string): boolean {
  const bare = resource.replace(/^\w+:\/\//, '')
  const slash = bare.indexOf('/')
  const above = slash < 0 ? '' : bare.slice(slash).replace(/\/$/, '')
  if (!hosts.includes(hostOf(bare))) return false
  return above === '' || path === above || path.startsWith(`${above}/`)
}
