import type {
  Acknowledgement,
  AlertsResponse,
  ApiAlert,
  RulesResponse,
  RulesStatus,
  Silence,
} from '@millrace/contracts'
import { type NewSilence, newSilenceSchema } from '@millrace/notify'
import { type Clock, checkConfig, type HttpServer, refusalOf } from '@millrace/pipeline'
import { z } from 'zod'
import { alertsQuery, readQuery } from './query.ts'

type Query = Omit<ReturnType<typeof alertsQuery.parse>, 'from' | 'to'> & { from: number; to: number }

export interface AlertsContext {
  clock: Clock
  /** Newest first. */
  list(query: Query): Promise<ApiAlert[]>
  find(id: string): Promise<ApiAlert | undefined>
  /** The alert with it; undefined where there is none of that id. Null takes it back. */
  acknowledge(id: string, acknowledgement: Acknowledgement | null): Promise<ApiAlert | undefined>
  silences(): Silence[]
  addSilence(silence: NewSilence): Promise<Silence>
  /** False where there is none of that id, or it cannot be removed here. */
  removeSilence(id: string): Promise<boolean>
  evaluators(): RulesStatus[]
  rules(): Pick<RulesResponse, 'version' | 'problem' | 'rules'>
}

const acknowledgeSchema = z.strictObject({
  id: z.string().min(1).max(400),
  note: z.string().max(1_024).default(''),
  by: z.string().min(1).max(64).optional(),
  /** Takes an acknowledgement back. */
  undo: z.boolean().default(false),
})

/** The user that came with the token; everyone has the same one otherwise. */
function whoAsks(authorization: string | undefined): string {
  const [scheme, value = ''] = authorization?.split(' ', 2) ?? []
  const user = scheme?.toLowerCase() === 'basic' ? Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0] : ''
  return user?.slice(0, 64) || 'somebody'
}

const readBody = <Schema extends z.ZodType>(body: unknown, schema: Schema) => checkConfig(body, schema, 'the body')
const noAlert = { error: 'not-found', message: 'no such alert' }

async function serveChanges(app: HttpServer['app'], context: AlertsContext): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    const message = refusalOf(request)
    if (message !== undefined) await reply.code(403).send({ error: 'forbidden', message })
  })
  // A DELETE has no body, whatever type its sender names.
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else parse(request, body as string, done)
  })
  app.post('/api/alerts/acknowledge', async ({ body, headers }, reply) => {
    const { id, note, undo, by = whoAsks(headers.authorization) } = readBody(body, acknowledgeSchema)
    const alert = await context.acknowledge(id, undo ? null : { by, note, atMs: context.clock.now() })
    return alert ?? (await reply.code(404).send(noAlert))
  })
  app.post('/api/silences', async ({ body, headers }, reply) => {
    const told = typeof body === 'object' ? body : {}
    const silence = { fromMs: context.clock.now(), by: whoAsks(headers.authorization), ...told }
    return await reply.code(201).send(await context.addSilence(readBody(silence, newSilenceSchema) as NewSilence))
  })
  app.delete<{ Params: { id: string } }>('/api/silences/:id', async ({ params }, reply) => {
    if (await context.removeSilence(params.id)) return await reply.code(204).send()
    const message = 'no such silence, or one of the config file'
    return await reply.code(404).send({ error: 'not-found', message })
  })
}

/** Alerts as people look at them and deal with them. An id may come with its slashes as they are. */
export function serveAlerts(app: HttpServer['app'], context: AlertsContext): void {
  app.get('/api/alerts', async ({ query }): Promise<AlertsResponse> => {
    const asked = readQuery(query, alertsQuery)
    const span = { from: asked.from ?? 0, to: asked.to ?? Number.MAX_SAFE_INTEGER }
    const alerts = await context.list({ ...asked, ...span })
    return { at: context.clock.now(), alerts, silences: context.silences(), evaluators: context.evaluators() }
  })
  app.get<{ Params: { '*': string } }>('/api/alerts/*', async ({ params }, reply) => {
    return (await context.find(params['*'])) ?? (await reply.code(404).send(noAlert))
  })
  app.get('/api/rules', async (): Promise<RulesResponse> => {
    return { at: context.clock.now(), ...context.rules(), evaluators: context.evaluators() }
  })
  void app.register(async (scope) => await serveChanges(scope, context))
}
