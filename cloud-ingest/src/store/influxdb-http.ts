import type { Agent } from 'node:http'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { MillraceError, UnreachableError } from '@millrace/pipeline'
import { withoutAuthorization } from './influxdb-client.ts'
import { type Answer, postBytes } from './post-bytes.ts'

const compress = promisify(gzip)
const requestTimeoutMs = 30_000
/** What thousands of lines come to at once; each further piece costs a turn of the thread that compresses. */
const gzipChunk = 1 << 19
const maxRetryAfterMs = 15 * 60_000

/** What InfluxDB said to a write. `dropped` counts refused points where it tells; the others were kept. */
export type WriteAnswer =
  | { kind: 'kept' }
  | { kind: 'refused'; detail: string; dropped: number | undefined }
  | { kind: 'too-large' }

/** To be tried again, not before `retryAfterMs`. */
export class StoreBusyError extends UnreachableError {
  readonly retryAfterMs: number
  constructor(message: string, retryAfterMs: number, cause?: unknown) {
    super(message, { cause })
    this.retryAfterMs = retryAfterMs
  }
}

/** The wait that a Retry-After header asks for, in ms: seconds or a date, at most 15 minutes; 0 where it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1000
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1000), maxRetryAfterMs) : 0
}

export interface WriteTarget {
  url: string
  database: string
  gzip: boolean
  authorization: string | undefined
  agent: Agent
}

export const noAnswer = (url: string) => `no answer from InfluxDB at ${url} (stores[].url)`

/** InfluxDB 1 says `error`, 2 says `message`. */
function describe(body: string): string {
  try {
    const { error, message } = JSON.parse(body) as { error?: unknown; message?: unknown }
    return String(error ?? message ?? body)
  } catch {
    return body
  }
}

async function post(target: WriteTarget, policy: string, lines: Uint8Array): Promise<Answer> {
  const { agent } = target
  const query = new URLSearchParams({ db: target.database, rp: policy, precision: 'ms' })
  const body = target.gzip ? await compress(lines, { level: constants.Z_BEST_SPEED, chunkSize: gzipChunk }) : lines
  const headers: Record<string, string> = { 'content-type': 'text/plain; charset=utf-8' }
  if (target.gzip) headers['content-encoding'] = 'gzip'
  if (target.authorization !== undefined) headers.authorization = target.authorization
  try {
    const url = new URL(`${target.url}/write?${query}`)
    return await postBytes(url, { headers, body, agent, timeoutMs: requestTimeoutMs })
  } catch (cause) {
    throw new UnreachableError(noAnswer(target.url), { cause })
  }
}

/** One write of lines. Rejects with what is to be tried again: no answer, 5xx, 429, and refusals of the whole client. */
export async function writeLines(target: WriteTarget, policy: string, lines: Uint8Array): Promise<WriteAnswer> {
  const { status, text, retryAfter } = await post(target, policy, lines)
  if (status >= 200 && status < 300) return { kind: 'kept' }
  if (status === 413) return { kind: 'too-large' }
  const detail = withoutAuthorization(describe(text), target.authorization).slice(0, 500)
  if (status === 400 || status === 422) {
    const dropped = /dropped=(\d+)/.exec(detail)?.[1]
    return { kind: 'refused', detail, dropped: dropped === undefined ? undefined : Number(dropped) }
  }
  const waitMs = retryAfterMs(retryAfter, Date.now())
  const message = `InfluxDB at ${target.url} answered ${status}: ${detail}`
  if (status === 404) throw new MillraceError('unreachable', message)
  throw new StoreBusyError(message, waitMs)
}
