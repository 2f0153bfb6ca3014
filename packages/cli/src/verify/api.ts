import type { AccountsResponse, ApiSummary, SeriesInfo, SeriesName, Step, SummariesResponse } from '@millrace/contracts'
import { endTimeMs } from '@millrace/contracts'
import { MillraceError, pause, UnreachableError, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { type TooLateLetter, tooLateLetters } from './letters.ts'

export interface ServerAddress {
  url: string
  token?: string | undefined
  /** How the user names the address, for messages. */
  flag: string
  /** How long to try again where nobody answers; 0 unless said. */
  patienceMs?: number
}

/** Longer than an ingest may wait for an InfluxDB, which it then says. */
const requestTimeoutMs = 90_000
const tryAgainMs = 300
const patienceAfterAnAnswerMs = 10_000
/** A network of containers forgets names for an instant while one of them comes or goes. */
const patienceWithNamesMs = 5_000
/** Who has answered before: it is not a wrong address. */
const answered = new WeakSet<ServerAddress>()

/** `ECONNREFUSED` and the like, or what it took too long for. */
function whyOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.name === 'TimeoutError') return `none within ${requestTimeoutMs / 1000} s`
  const { cause: inner } = cause as { cause?: { code?: unknown; message?: unknown } }
  return String(inner?.code ?? inner?.message ?? cause.message)
}

/** A path of a service; UsageError where its address is none. */
export function urlOf({ url, flag }: Pick<ServerAddress, 'url' | 'flag'>, path: string): URL {
  const found = URL.parse(path, url)
  if (found && /^https?:$/.test(found.protocol)) return found
  const expected = 'a URL such as http://127.0.0.1:8080'
  throw new UsageError('that is no address of a service', [{ path: flag, found: url, expected }])
}

async function answerOf(address: ServerAddress, path: string): Promise<Response> {
  const { url, token, flag } = address
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return await fetch(urlOf(address, path), { headers, signal: AbortSignal.timeout(requestTimeoutMs) }).catch(
    (cause: unknown) => {
      throw new UnreachableError(`no answer at ${url} to ${path.split('?')[0]} (${whyOf(cause)})`, {
        cause,
        hint: `Is it running? ${flag} names another address.`,
      })
    },
  )
}

function patienceWith(address: ServerAddress, error: unknown): number {
  if (error instanceof UsageError) return 0
  const nameUnknown = error instanceof UnreachableError && /^(ENOTFOUND|EAI_AGAIN)$/.test(whyOf(error.cause))
  const alwaysMs = address.patienceMs ?? 0
  return Math.max(alwaysMs, answered.has(address) ? patienceAfterAnAnswerMs : 0, nameUnknown ? patienceWithNamesMs : 0)
}

const missesAServer = 503

/**
 * A service that was just killed, whose name is not known for an instant, or that does not reach a server of its own, is
 * as before in a moment.
 */
async function patientAnswer(address: ServerAddress, path: string): Promise<Response> {
  const beganMs = performance.now()
  const isOver = (error?: unknown) => performance.now() - beganMs > patienceWith(address, error)
  for (;;) {
    try {
      const answer = await answerOf(address, path)
      if (answer.status !== missesAServer || isOver()) {
        answered.add(address)
        return answer
      }
      await answer.body?.cancel()
    } catch (error) {
      if (isOver(error)) throw error
    }
    await pause(tryAgainMs)
  }
}

/** JSON of a GET; UnreachableError where nobody answers. */
export async function getJson(address: ServerAddress, path: string): Promise<unknown> {
  const response = await patientAnswer(address, path)
  if (response.ok) return await response.json()
  const text = await response.text()
  throw new MillraceError('check-failed', `${address.url}${path} answered ${response.status}: ${text.slice(0, 300)}`)
}

/** The same; undefined where the answer is 404. */
export async function findJson(address: ServerAddress, path: string): Promise<unknown> {
  const response = await patientAnswer(address, path)
  if (response.status === 404) return undefined
  if (response.ok) return await response.json()
  throw new MillraceError(
    'check-failed',
    `${address.url}${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`,
  )
}

const deviceState = z.object({
  site: z.string(),
  device: z.string(),
  accepted: z.number(),
  /** Readings that are in no committed summary yet. */
  open: z.number(),
  /** Readings in no window, by reason. */
  setAside: z.record(z.string(), z.number()),
  openWindows: z.array(z.tuple([z.number(), z.number()])),
  /** Readings of windows that end here or before are too late; null where that was never so. */
  floorMs: z.number().nullable().default(null),
  /** In the newest revision of every window in a message so far. */
  sent: z.number().default(0),
})

const agentState = z.object({
  windowLengthMs: z.number().positive(),
  spool: z.object({ name: z.string(), outboxMessages: z.number() }),
  devices: z.array(deviceState),
})

/** What an agent still holds, by device. */
export type AgentState = z.infer<typeof agentState>

/** What `verify` asks of a running stack. */
export interface StackApi {
  agent(): Promise<AgentState>
  /** What the agent keeps of readings that it set aside as too late. */
  tooLateLetters(): Promise<TooLateLetter[]>
  accounts(): Promise<AccountsResponse>
  series(): Promise<SeriesInfo[]>
  /** Stored rows of a series, all of them with their sketches; provisional ones left out. */
  rows(name: SeriesName, step: Step): Promise<StoredRows>
}

export interface StoredRows {
  /** Of the newest row. */
  unit: string
  rows: ApiSummary[]
}

export interface StackAddresses {
  ingest: ServerAddress
  agent: ServerAddress
  store?: string | undefined
}

/** The stack over HTTP. The answers of the ingest have the types of the contracts. */
export function httpStack({ ingest, agent, store }: StackAddresses): StackApi {
  const storeQuery: Record<string, string> = store === undefined ? {} : { store }
  const query = (fields: Record<string, string>) => new URLSearchParams({ ...fields, ...storeQuery }).toString()
  return {
    async agent() {
      const state = agentState.safeParse(await getJson(agent, '/api/status?devices=1'))
      if (state.success) return state.data
      throw new MillraceError('check-failed', `${agent.url} is no agent of this version: ${state.error.message}`)
    },
    tooLateLetters: async () => await tooLateLetters((path) => findJson(agent, path)),
    accounts: async () => (await getJson(ingest, '/api/accounts')) as AccountsResponse,
    series: async () => (await getJson(ingest, `/api/series?${query({})}`)) as SeriesInfo[],
    async rows({ site, device, metric }, step) {
      const span = { from: '0', to: String(endTimeMs), step, sketch: '1' }
      const path = `/api/summaries?${query({ site, device, metric, ...span })}`
      const answer = (await getJson(ingest, path)) as SummariesResponse
      return { unit: answer.series.unit, rows: answer.summaries.filter((row) => !row.provisional) }
    },
  }
}
