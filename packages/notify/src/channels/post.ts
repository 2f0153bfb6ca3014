import { hideSecrets, RejectedError } from '@millrace/pipeline'
import { NotDeliveredError } from '../types.ts'

export interface Post {
  url: string
  /** How messages name the far side; a URL may itself be a secret. */
  place: string
  headers: Readonly<Record<string, string>>
  body: string
  /** Never to stand in a message, whatever the far side answers. */
  secrets: readonly string[]
  signal: AbortSignal
}

/** Statuses that ask to come again: request timeout, too early, too many requests. */
const comeAgain = [408, 425, 429]
/** Statuses about the place or the permission, not about the notice: people mend those, and the notice waits for them. */
const notAboutTheNotice = [401, 402, 403, 404, 405, 407, 410, 421, 451]
const shownAnswer = 300

/** Errors that end a try before anything was sent. */
const beforeSending =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EACCES|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_.*|CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*|ERR_SSL_.*)$/

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { code, errors = [], cause } = error as NodeJS.ErrnoException & { errors?: unknown[] }
  const inner = [...errors, cause].flatMap(codesOf)
  return typeof code === 'string' ? [code, ...inner] : inner
}

/** Whether the error says for sure that nothing was sent. */
export function isBeforeSending(error: unknown): boolean {
  const codes = codesOf(error)
  return codes.length > 0 && codes.every((code) => beforeSending.test(code))
}

/** The wait that a Retry-After header asks for, in ms: seconds or a date; 0 where it is neither. */
export function retryAfterMs(header: string | null, nowMs: number): number {
  if (header === null) return 0
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}

async function request({ url, place, headers, body, secrets, signal }: Post): Promise<Response> {
  try {
    // Notices are rare: a connection kept open would mostly be found closed by the far side.
    const all = { ...headers, connection: 'close' }
    // A redirect would carry headers and signature to a place that nobody configured.
    return await fetch(url, { method: 'POST', headers: all, body, signal, redirect: 'manual' })
  } catch (error) {
    signal.throwIfAborted()
    const codes = codesOf(error).join(', ')
    const message = hideSecrets(`no answer from ${place}${codes ? ` (${codes})` : ''}`, secrets)
    if (isBeforeSending(error)) throw new NotDeliveredError(message)
    throw new Error(message)
  }
}

/** Whether the same notice would be refused every time, wherever and with whatever right it is sent. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![...comeAgain, ...notAboutTheNotice].includes(status)
}

/** Resolves on any 2xx. Rejects as `Channel.send` says. */
export async function post(what: Post): Promise<void> {
  const response = await request(what)
  const text = await response.text().catch(() => '')
  if (response.ok) return
  const answer = hideSecrets(text, what.secrets).replaceAll(/\s+/g, ' ').trim().slice(0, shownAnswer)
  const message = `${what.place} answered ${response.status}${answer ? `: ${answer}` : ''}`
  if (isRefusal(response.status)) {
    throw new RejectedError(message, new Map([[0, message]]))
  }
  const asked = retryAfterMs(response.headers.get('retry-after'), Date.now())
  throw new NotDeliveredError(message, { retryAfterMs: asked })
}
