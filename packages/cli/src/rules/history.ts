import type { AccountsResponse, SeriesInfo, SummariesResponse } from '@millrace/contracts'
import { parseDuration, UsageError } from '@millrace/pipeline'
import type { RuleWindow } from '@millrace/rules'
import { getJson, type ServerAddress } from '../verify/api.ts'
import type { Past, ShowProgress } from './past.ts'

export interface HistoryRequest {
  ingest: ServerAddress
  store?: string | undefined
  from: string
  to: string
}

const dayMs = 86_400_000
/** Rows of one answer: a day of minutes of one series. */
const pageMs = dayMs
/** More at once would crowd out the page of a small machine. */
const requestsAtOnce = 4

/** A time, or a length before now such as `-24h`. */
export function momentOf(flag: string, text: string, nowMs: number): number {
  if (text === 'now') return nowMs
  const back = text.startsWith('-') ? parseDuration(text.slice(1)) : undefined
  const ms = back === undefined ? Date.parse(text) : nowMs - back
  if (!Number.isNaN(ms)) return ms
  throw new UsageError('backtest cannot run like this', [
    { path: flag, found: text, expected: 'a time such as 2026-01-05T12:00Z, a length before now such as -24h, or now' },
  ])
}

async function spanOf({ ingest, from, to }: HistoryRequest): Promise<{ fromMs: number; toMs: number }> {
  // Wrong words are told before anybody is asked for the time.
  momentOf('--from', from, 0)
  momentOf('--to', to, 0)
  const { at } = (await getJson(ingest, '/api/accounts')) as AccountsResponse
  const [fromMs, toMs] = [momentOf('--from', from, at), momentOf('--to', to, at)]
  if (fromMs < toMs) return { fromMs, toMs }
  throw new UsageError('backtest cannot run like this', [
    { path: '--from', found: from, expected: `a time before --to, which is ${new Date(toMs).toISOString()}` },
  ])
}

interface Page {
  series: SeriesInfo
  fromMs: number
  toMs: number
}

function pagesOf(series: readonly SeriesInfo[], { fromMs, toMs }: { fromMs: number; toMs: number }): Page[] {
  const days = Math.ceil((toMs - fromMs) / pageMs)
  return Array.from({ length: days }, (_none, day) => fromMs + day * pageMs).flatMap((start) =>
    series
      .filter(({ lastTs }) => lastTs >= start)
      .map((each) => ({ series: each, fromMs: start, toMs: Math.min(toMs, start + pageMs) })),
  )
}

/** Reads the stored windows of a span through the HTTP API of an ingest. */
export async function loadHistory(request: HistoryRequest, progress: ShowProgress): Promise<Past> {
  const span = await spanOf(request)
  const store: Record<string, string> = request.store === undefined ? {} : { store: request.store }
  const series = (await getJson(request.ingest, `/api/series?${new URLSearchParams(store)}`)) as SeriesInfo[]
  const pages = pagesOf(series, span)
  const windows: RuleWindow[] = []
  const queue = pages.entries()
  const worker = async () => {
    for (const [place, page] of queue) {
      windows.push(...(await rowsOf(page, { request, store })))
      progress(`read ${place + 1} of ${pages.length} pages, ${windows.length} windows`)
    }
  }
  await Promise.all(Array.from({ length: requestsAtOnce }, worker))
  return { name: request.ingest.url, windows, completeness: [], readings: [], notes: [] }
}

async function rowsOf(
  { series: { site, device, metric, unit }, fromMs, toMs }: Page,
  { request, store }: { request: HistoryRequest; store: Record<string, string> },
): Promise<RuleWindow[]> {
  const span = { from: String(fromMs), to: String(toMs), step: '1m' }
  const query = new URLSearchParams({ site, device, metric, ...span, ...store })
  const { summaries } = (await getJson(request.ingest, `/api/summaries?${query}`)) as SummariesResponse
  return summaries.flatMap(({ rev, provisional, ...row }) =>
    provisional || rev === null ? [] : [{ ...row, unit: row.unit ?? unit, site, device, metric, rev }],
  )
}
