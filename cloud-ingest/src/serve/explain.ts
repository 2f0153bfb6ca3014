import type { IngestExplanation, SeriesName, SpoolExplanation, StatusBody } from '@millrace/contracts'
import type { Clock, HttpServer } from '@millrace/pipeline'
import type { Store } from '../stored.ts'
import { type OpenWindows, toApiSummary } from './open-windows.ts'
import { explainQuery, readQuery } from './query.ts'
import type { SeriesIndex } from './series-index.ts'

export interface ExplainContext {
  clock: Clock
  stores: ReadonlyMap<string, Store>
  series: SeriesIndex
  openWindows: OpenWindows
  statuses: ReadonlyMap<string, StatusBody>
  /** What the spool knows of the window that holds the moment. */
  fromSpool(series: SeriesName, moment: number): Promise<SpoolExplanation>
  keepPartsMs: number
}

const longestMs = 30 * 60_000

type Span = { start: number; lengthMs: number }
const holds = (moment: number) => (row: Span) => row.start <= moment && moment < row.start + row.lengthMs

async function rowIn(
  store: Store,
  series: SeriesName,
  moment: number,
): Promise<Pick<IngestExplanation['rows'][number], 'row' | 'error'>> {
  const range = { ...series, from: moment - longestMs + 1, to: moment + 1 }
  try {
    const [rows = []] = await store.readRows('minutes', [range])
    const row = rows.find(holds(moment))
    return { row: row ? toApiSummary(row, false) : null, error: null }
  } catch (error) {
    return { row: null, error: error instanceof Error ? error.message : String(error) }
  }
}

async function explain(query: unknown, context: ExplainContext): Promise<IngestExplanation> {
  const { start: moment, ...series } = readQuery(query, explainQuery)
  const { clock, stores, openWindows, statuses, keepPartsMs } = context
  const info = context.series.list().find((one) => {
    return one.site === series.site && one.device === series.device && one.metric === series.metric
  })
  const fromSpool = await context.fromSpool(series, moment)
  const rows = [...stores].map(async ([store, at]) => ({ store, ...(await rowIn(at, series, moment)) }))
  return {
    at: clock.now(),
    series: { ...series, known: info !== undefined, unit: info?.unit ?? null, lastTs: info?.lastTs ?? null },
    rows: await Promise.all(rows),
    provisional: openWindows.of(series, moment - longestMs + 1, moment + 1).find(holds(moment)) ?? null,
    ...fromSpool,
    sources: fromSpool.sources.map((source) => {
      return { ...source, online: statuses.get(`${series.site}/${source.agent}`)?.online ?? null }
    }),
    keepPartsMs,
  }
}

/** What the ingest knows of one window of one series. */
export function serveExplain(app: HttpServer['app'], context: ExplainContext): void {
  app.get('/api/explain', async ({ query }) => await explain(query, context))
}
