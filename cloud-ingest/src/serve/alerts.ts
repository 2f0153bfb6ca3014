import type { AlertsResponse, ApiAlert } from '@millrace/contracts'
import type { Clock, HttpServer } from '@millrace/pipeline'
import { alertsQuery, readQuery } from './query.ts'

type Query = Omit<ReturnType<typeof alertsQuery.parse>, 'from' | 'to'> & { from: number; to: number }

export interface AlertsContext {
  clock: Clock
  /** Newest first. */
  list(query: Query): Promise<ApiAlert[]>
  find(id: string): Promise<ApiAlert | undefined>
}

/** Alerts as people look at them. An id may come with its slashes as they are. */
export function serveAlerts(app: HttpServer['app'], context: AlertsContext): void {
  app.get('/api/alerts', async ({ query }): Promise<AlertsResponse> => {
    const asked = readQuery(query, alertsQuery)
    const span = { from: asked.from ?? 0, to: asked.to ?? Number.MAX_SAFE_INTEGER }
    const alerts = await context.list({ ...asked, ...span })
    return { at: context.clock.now(), alerts, silences: [], evaluators: [] }
  })
  app.get<{ Params: { '*': string } }>('/api/alerts/*', async ({ params }, reply) => {
    const alert = await context.find(params['*'])
    if (alert) return alert
    return await reply.code(404).send({ error: 'not-found', message: 'no such alert' })
  })
}
