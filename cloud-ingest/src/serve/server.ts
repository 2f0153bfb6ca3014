import type { Readable } from 'node:stream'
import type {
  AccountsResponse,
  CompletenessResponse,
  PipelineResponse,
  StatusBody,
  StatusResponse,
  SummariesResponse,
} from '@millrace/contracts'
import { type Clock, dataFolderHeader, type HttpServer, UnreachableError, UsageError } from '@millrace/pipeline'
import { type Store, type Tier, totalsOf } from '../stored.ts'
import { type AlertsContext, serveAlerts } from './alerts.ts'
import type { EventHub } from './events.ts'
import { type MarksContext, serveMarks } from './marks.ts'
import { type OpenWindows, toApiSummary } from './open-windows.ts'
import {
  accountsQuery,
  backupQuery,
  completenessQuery,
  liveQuery,
  readingsQuery,
  readQuery,
  spanOf,
  summariesQuery,
} from './query.ts'
import type { SeriesIndex } from './series-index.ts'

export interface ServeContext {
  clock: Clock
  /** By type; the first one answers where a query names none. */
  stores: ReadonlyMap<string, Store>
  series: SeriesIndex
  openWindows: OpenWindows
  events: EventHub
  statuses: ReadonlyMap<string, StatusBody>
  accounts(): Promise<AccountsResponse>
  pipeline(): Promise<PipelineResponse>
  alerts: AlertsContext
  marks: Pick<MarksContext, 'list' | 'put'>
  deadLetters(): Promise<NonNullable<StatusResponse['deadLetters']>>
  /** Id of the folder that the ingest runs on. */
  dataFolder: string
  /** Spool and rows of a store, the first where none is named, as one stream of bytes. */
  backup(store: string | undefined): Promise<Readable>
}

const tiers: Record<string, Tier> = { '1m': 'minutes', '1h': 'hours', '1d': 'days' }

function storeOf({ stores }: ServeContext, name: string | undefined): Store {
  const store = name === undefined ? [...stores.values()][0] : stores.get(name)
  if (store) return store
  throw new UsageError('no such store', [
    { path: 'store', found: name ?? 'none', expected: [...stores.keys()].join(' or ') },
  ])
}

/** Stored rows, then the open windows that no stored row stands for: no gap, nothing twice. */
async function summaries(query: unknown, context: ServeContext): Promise<SummariesResponse> {
  const { site, device, metric, step, sketch, store, ...span } = readQuery(query, summariesQuery)
  const series = { site, device, metric }
  const { from, to } = spanOf(span, context.clock.now())
  const open = step === '1m' ? context.openWindows.of(series, from, to) : []
  const [rows] = await storeOf(context, store).readRows(tiers[step]!, [{ ...series, from, to }])
  const stored = new Set(rows!.map(({ start, lengthMs }) => `${start}/${lengthMs}`))
  const provisional = open.filter(({ start, lengthMs }) => !stored.has(`${start}/${lengthMs}`))
  const unit = rows!.at(-1)?.unit ?? context.series.unitOf(series) ?? ''
  return {
    series: { ...series, unit },
    step,
    summaries: [...rows!.map((row) => toApiSummary(row, sketch === '1')), ...provisional],
  }
}

async function completeness(query: unknown, context: ServeContext): Promise<CompletenessResponse> {
  const { site, device, store, ...span } = readQuery(query, completenessQuery)
  const { from, to } = spanOf(span, context.clock.now())
  const devices = await storeOf(context, store).readCompleteness({ site, device, from, to })
  return { from, to, devices: devices.map(({ boots, ...name }) => ({ ...name, ...totalsOf(boots) })) }
}

async function readings(query: unknown, context: ServeContext) {
  const { site, device, metric, store, ...span } = readQuery(query, readingsQuery)
  const series = { site, device, metric }
  const rows = await storeOf(context, store).readReadings({ ...series, ...spanOf(span, context.clock.now()) })
  return { series, readings: rows.map(({ ts, value }) => ({ ts, value })) }
}

function listen(app: HttpServer['app'], context: ServeContext): void {
  // A HEAD would wait for an end that never comes.
  app.get('/api/live', { exposeHeadRoute: false }, async (request, reply) => {
    const { site } = readQuery(request.query, liveQuery)
    if (!context.events.add(reply.raw, site)) {
      return await reply.code(503).send({ error: 'too-many', message: 'too many pages are listening' })
    }
    reply.hijack()
    for (const status of context.statuses.values()) context.events.sendTo(reply.raw, 'status', status)
    return reply
  })
}

const stalledMs = 60_000

/** Demands a header that no page of another site can send unasked, and the folder that was meant, if one was named. */
function refusalOf(headers: NodeJS.Dict<string | string[]>, dataFolder: string) {
  if (headers['x-millrace'] !== 'backup') return { status: 400, message: 'send the header "x-millrace: backup"' }
  const meant = headers[dataFolderHeader]
  if (meant !== undefined && meant !== dataFolder)
    return { status: 409, message: 'this ingest has another data folder' }
  return undefined
}

/** Lets go of who stops reading: a backup holds the ingest up. Every answer says which data folder is kept here. */
function backup(app: HttpServer['app'], context: ServeContext): void {
  const sayFolder = async (_request: unknown, reply: { header(name: string, value: string): unknown }) => {
    reply.header(dataFolderHeader, context.dataFolder)
  }
  app.get('/api/backup', { onSend: sayFolder, exposeHeadRoute: false }, async (request, reply) => {
    const { store } = readQuery(request.query, backupQuery)
    const refusal = refusalOf(request.headers, context.dataFolder)
    if (refusal) return await reply.code(refusal.status).send({ error: 'bad-request', message: refusal.message })
    storeOf(context, store)
    request.raw.socket.setTimeout(stalledMs, () => request.raw.socket.destroy())
    try {
      return await reply.type('application/gzip').send(await context.backup(store))
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      return await reply.code(503).send({ error: error.code, message: error.message })
    }
  })
}

type Handler = (query: unknown, context: ServeContext) => Promise<unknown>

/** Answers 503 with a plain reason while the store is away. */
function fromStore(
  app: HttpServer['app'],
  path: string,
  { handler, context }: { handler: Handler; context: ServeContext },
) {
  app.get(path, async (request, reply) => {
    try {
      return await handler(request.query, context)
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error
      return await reply.code(503).send({ error: error.code, message: error.message, hint: error.hint })
    }
  })
}

/** The HTTP API of the ingest. A store that is away leaves everything else alone. */
export function serveApi(app: HttpServer['app'], context: ServeContext): void {
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-cache')
  })
  app.get('/api/series', async () => context.series.list())
  fromStore(app, '/api/summaries', { handler: summaries, context })
  fromStore(app, '/api/readings', { handler: readings, context })
  fromStore(app, '/api/completeness', { handler: completeness, context })
  app.get('/api/accounts', async ({ query }) => {
    const { devices } = readQuery(query, accountsQuery)
    const accounts = await context.accounts()
    return devices === '1' ? accounts : { ...accounts, devices: [] }
  })
  app.get('/api/pipeline', async () => await context.pipeline())
  app.get('/api/status', async (): Promise<StatusResponse> => {
    const agents = [...context.statuses.values()]
    return { at: context.clock.now(), agents, deadLetters: await context.deadLetters() }
  })
  serveAlerts(app, context.alerts)
  const { clock, events, marks } = context
  serveMarks(app, { clock, ...marks, announce: (mark) => events.send('mark', undefined, mark) })
  listen(app, context)
  backup(app, context)
}
