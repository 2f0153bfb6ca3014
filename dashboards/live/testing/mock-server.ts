import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AccountsResponse, ApiSummary, DeviceAccounts, Mark, SeriesInfo, Step } from '@millrace/contracts'
import { mockAlerts, mockRules } from './mock-alerts.ts'
import { type MockAgent, mockPipeline, mockStatus } from './mock-pipeline.ts'
import { type FakeSeries, fakeFleet, rowOf, valueAt } from './signal.ts'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const stepLength: Record<Step, number> = { '1m': 60_000, '1h': 3_600_000, '1d': 86_400_000 }
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const keys = ['site', 'device', 'metric'] as const
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'"

export interface MockOptions {
  port?: number
  devices: number
  /** How far back stored rows go, ms. */
  historyMs?: number
  everyMs?: number
  agents?: readonly MockAgent[]
  /** One alert of every kind; without it there is no rule. */
  alerts?: boolean
  marks?: readonly Mark[]
  /** One more device, with the longest names there can be. */
  longest?: boolean
}

export interface MockServer {
  url: string
  /** Ends every stream and refuses every request of the API until `restore`. */
  cut(): void
  restore(): void
  /** To every page that listens. */
  send(event: string, data: unknown): void
  /** Requests answered so far, by path without the query. */
  readonly requests: Map<string, number>
  close(): Promise<void>
}

/** The ingest's HTTP API over made-up data, for the page's tests and for working on it alone. */
export async function startMockServer(options: MockOptions): Promise<MockServer> {
  const { devices, historyMs = 40 * 86_400_000, everyMs = 1_000 } = options
  const agents = options.agents ?? (devices > 0 ? [{ site: 'lisbon-mill', agent: 'edge' }] : [])
  const long = { site: 's'.repeat(64), device: 'd'.repeat(64), metric: 'm'.repeat(64), unit: '', seed: 1 }
  const fleet = [...fakeFleet(devices), ...(options.longest ? [long] : [])]
  const startedAt = Date.now()
  const requests = new Map<string, number>()
  const streams = new Set<ServerResponse>()
  let down = false

  const series = (): SeriesInfo[] => {
    const now = Math.floor(Date.now() / 1000) * 1000
    return fleet.map(({ seed: _, ...rest }, index) => {
      const one = fleet[index] as FakeSeries
      return { ...rest, lastTs: now, lastValue: valueAt(one, now) }
    })
  }

  const summaries = (query: URLSearchParams): unknown => {
    const one = fleet.find((each) => keys.every((key) => each[key] === query.get(key)))
    const step = (query.get('step') ?? '1m') as Step
    const lengthMs = stepLength[step]
    const now = Date.now()
    const from = Math.max(Number(query.get('from')), startedAt - historyMs)
    const rows: ApiSummary[] = []
    for (
      let start = Math.ceil(from / lengthMs) * lengthMs;
      one && start < Math.min(Number(query.get('to')), now);
      start += lengthMs
    ) {
      const row = rowOf(one, start, { lengthMs, until: now })
      rows.push(lengthMs > 60_000 ? { ...row, provisional: false, rev: 0 } : row)
    }
    return { series: one ?? {}, step, summaries: rows }
  }

  const readings = (query: URLSearchParams): unknown => {
    const one = fleet.find((each) => keys.every((key) => each[key] === query.get(key)))
    const times: number[] = []
    for (let ts = Math.ceil(Number(query.get('from')) / everyMs) * everyMs; one && ts < Date.now(); ts += everyMs)
      times.push(ts)
    return { readings: one ? times.map((ts) => ({ ts, value: valueAt(one, ts) })) : [] }
  }

  const accounts = (query: URLSearchParams): AccountsResponse => {
    const full = mockAccounts(fleet, Math.floor((Date.now() - startedAt) / 1000))
    return query.get('devices') === '0' ? { ...full, devices: [] } : full
  }

  const completeness = (query: URLSearchParams): unknown => {
    const names = new Map(fleet.map(({ site, device }) => [`${site}/${device}`, { site, device }]))
    const entries = [...names.values()].map((name, index) => ({
      ...name,
      messages: index % 5 === 3 ? 3_581 : 3_600,
      missing: index % 5 === 3 ? 19 : index % 7 === 6 ? null : 0,
    }))
    return { from: Number(query.get('from')), to: Number(query.get('to')), devices: entries }
  }

  const alerts = () =>
    options.alerts && fleet[0]
      ? mockAlerts(Date.now(), fleet[0])
      : { at: Date.now(), alerts: [], silences: [], evaluators: [] }

  const totals = () => accounts(new URLSearchParams()).total
  const answers: Record<string, (query: URLSearchParams) => unknown> = {
    '/api/series': series,
    '/api/summaries': summaries,
    '/api/readings': readings,
    '/api/accounts': accounts,
    '/api/completeness': completeness,
    '/api/status': () => ({ at: Date.now(), agents: agents.map((agent) => mockStatus(agent, totals())) }),
    '/api/alerts': () => alerts(),
    '/api/marks': () => ({ at: Date.now(), marks: options.marks ?? [] }),
    '/api/rules': () => mockRules(Date.now(), alerts()),
    '/api/pipeline': () => mockPipeline(agents, totals()),
  }

  const send = (type: string, data: unknown) => {
    for (const stream of streams) stream.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`)
  }
  const bySite = Map.groupBy(fleet, ({ site }) => site)
  let minute = Math.floor(Date.now() / 60_000)
  const tick = () => {
    const ts = Date.now()
    for (const [site, list] of bySite) {
      const readings = list.map((one) => ({
        device: one.device,
        metric: one.metric,
        unit: one.unit,
        ts,
        value: valueAt(one, ts),
      }))
      send('reading', { site, readings })
      const open = Math.floor(ts / 60_000)
      const starts = open > minute ? [minute * 60_000, open * 60_000] : ts % 2_000 < everyMs ? [open * 60_000] : []
      const rows = starts.flatMap((start) =>
        list.map((one) => ({
          ...rowOf(one, start, { lengthMs: 60_000, until: ts }),
          device: one.device,
          metric: one.metric,
          unit: one.unit,
        })),
      )
      if (rows.length > 0) send('summary', { site, summaries: rows })
    }
    minute = Math.floor(ts / 60_000)
  }
  const timer = setInterval(tick, everyMs)

  const server = createServer((request, response) => {
    void handle(request, response)
  })
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://mock')
    requests.set(url.pathname, (requests.get(url.pathname) ?? 0) + 1)
    if (url.pathname.startsWith('/api/') && down) return void response.writeHead(503).end()
    if (url.pathname === '/api/live') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(': hello\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
      return
    }
    const answer = answers[url.pathname]
    if (answer) {
      response.writeHead(200, { 'content-type': 'application/json' })
      return void response.end(JSON.stringify(answer(url.searchParams)))
    }
    const path = url.pathname === '/' ? 'index.html' : normalize(url.pathname).replace(/^[/\\.]+/, '')
    const body = await readFile(join(dist, path)).catch(() => undefined)
    response.writeHead(body ? 200 : 404, {
      'content-type': types[extname(path)] ?? 'application/octet-stream',
      'content-security-policy': policy,
    })
    response.end(body)
  }
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    send,
    requests,
    cut() {
      down = true
      for (const stream of streams) stream.destroy()
    },
    restore() {
      down = false
    },
    async close() {
      clearInterval(timer)
      for (const stream of streams) stream.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function mockAccounts(fleet: readonly FakeSeries[], seconds: number): AccountsResponse {
  const names = new Map(fleet.map(({ site, device }) => [`${site}/${device}`, { site, device }]))
  const devices = [...names.values()].map((name, index): DeviceAccounts => {
    const per = fleet.filter(({ device }) => device === name.device).length
    const closed = per * (21_600 + Math.floor(seconds / 60) * 60)
    const open = per * (seconds % 60)
    const [duplicate, late] = index % 4 === 1 ? [12, 2] : [0, 0]
    const accepted = closed + open + duplicate + late
    const invalid: Record<string, number> = index === 2 ? { 'bad-value': 3 } : {}
    const more = index === 2 ? 3 : 0
    return {
      ...name,
      agent: 'edge',
      spool: 'mock',
      accepted: accepted + more,
      closed,
      open,
      duplicate,
      tooLate: late,
      invalid,
      dropped: {},
      qos0: index === 1 ? Math.floor(accepted / 8) : 0,
      unaccounted: 0,
      sent: closed,
      held: closed,
      refused: 0,
    }
  })
  const sum = (pick: (device: DeviceAccounts) => number) => devices.reduce((total, device) => total + pick(device), 0)
  return {
    at: Date.now(),
    total: {
      accepted: sum(({ accepted }) => accepted),
      closed: sum(({ closed }) => closed),
      open: sum(({ open }) => open),
      duplicate: sum(({ duplicate }) => duplicate),
      tooLate: sum(({ tooLate }) => tooLate),
      invalid: sum(({ invalid }) => invalid['bad-value'] ?? 0),
      dropped: 0,
      qos0: sum(({ qos0 }) => qos0),
      unaccounted: 0,
      sent: sum(({ sent }) => sent),
      held: sum(({ held }) => held),
      refused: 0,
      missingUpstream: 0,
      deadLetters: 0,
      conflicts: 0,
      mismatch: 0,
    },
    devices,
    stores: [{ type: 'duckdb', behind: 0, error: null }],
  }
}
