import type {
  AccountsResponse,
  AlertsResponse,
  ApiAlert,
  CompletenessResponse,
  MarksResponse,
  PipelineResponse,
  RulesResponse,
  SeriesInfo,
  SeriesName,
  StatusResponse,
  Step,
  SummariesResponse,
} from '@millrace/contracts'

const timeoutMs = 20_000

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(timeoutMs)
  const response = await fetch(path, { signal: signal ? AbortSignal.any([signal, limit]) : limit })
  if (!response.ok) throw new Error(`${path.split('?')[0]} answered ${response.status}`)
  return (await response.json()) as T
}

export interface SummariesQuery {
  series: SeriesName
  from: number
  to: number
  step: Step
}

/** `GET /api/readings`: what the live stream carried, for as long as the store keeps it. */
export interface ReadingsResponse {
  readings: { ts: number; value: number }[]
}

export const api = {
  series: () => get<SeriesInfo[]>('api/series'),
  accounts: (withDevices: boolean) => get<AccountsResponse>(`api/accounts?devices=${withDevices ? 1 : 0}`),
  status: () => get<StatusResponse>('api/status'),
  pipeline: () => get<PipelineResponse>('api/pipeline'),
  /** Every active alert, and at most `limit` of those that are over. */
  alerts: (limit: number) => get<AlertsResponse>(`api/alerts?limit=${limit}`),
  alert: (id: string, signal: AbortSignal) =>
    get<ApiAlert>(`api/alerts/${id.split('/').map(encodeURIComponent).join('/')}`, signal),
  alertsOf: ({ site, device, from }: { site: string; device: string; from: number }) =>
    get<AlertsResponse>(`api/alerts?${new URLSearchParams({ site, device, from: String(Math.floor(from)) })}`),
  marks: () => get<MarksResponse>('api/marks'),
  rules: () => get<RulesResponse>('api/rules'),
  completeness: (from: number, to: number) =>
    get<CompletenessResponse>(`api/completeness?from=${Math.floor(from)}&to=${Math.ceil(to)}`),
  readings: (series: SeriesName, from: number, signal: AbortSignal) => {
    const { site, device, metric } = series
    const query = new URLSearchParams({ site, device, metric, from: String(Math.floor(from)) })
    return get<ReadingsResponse>(`api/readings?${query}`, signal)
  },
  summaries: ({ series, from, to, step }: SummariesQuery, signal?: AbortSignal) => {
    const { site, device, metric } = series
    const query = new URLSearchParams({ site, device, metric, step })
    query.set('from', String(Math.floor(from)))
    query.set('to', String(Math.ceil(to)))
    return get<SummariesResponse>(`api/summaries?${query}`, signal)
  },
}
