import { randomUUID } from 'node:crypto'
import { type Mark, type MarksResponse, newMarkSchema } from '@millrace/contracts'
import { type Clock, checkConfig, type HttpServer, MillraceError, refusalOf, UsageError } from '@millrace/pipeline'
import { marksQuery, readQuery } from './query.ts'

export interface MarksContext {
  clock: Clock
  list(span: { from: number; to: number }): Promise<Mark[]>
  /** On disk when it resolves. */
  put(mark: Mark): Promise<void>
  /** Tells the pages that listen. */
  announce(mark: Mark): void
}

/** The mark that a body asks for; throws a UsageError with what is wrong in it. */
function markOf(body: unknown, nowMs: number): Mark {
  const { id = randomUUID(), kind, text, from = nowMs, to = from } = checkConfig(body, newMarkSchema, 'the body')
  if (to === null || to >= from) return { id, kind, text, from, to }
  throw new UsageError('the body is wrong', [{ path: 'to', found: String(to), expected: `not before ${from}` }])
}

async function serveChanges(app: HttpServer['app'], { clock, put, announce }: MarksContext): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    const message = refusalOf(request)
    if (message !== undefined) await reply.code(403).send({ error: 'forbidden', message })
  })
  app.post('/api/marks', async ({ body }, reply) => {
    const mark = markOf(body, Math.round(clock.now()))
    try {
      await put(mark)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'spool-full') throw error
      return await reply.code(503).send({ error: error.code, message: error.message })
    }
    announce(mark)
    return await reply.code(201).send(mark)
  })
}

/** Marks beside the readings: deployments, drills, notes. */
export function serveMarks(app: HttpServer['app'], context: MarksContext): void {
  app.get('/api/marks', async ({ query }): Promise<MarksResponse> => {
    const { from = 0, to = Number.MAX_SAFE_INTEGER } = readQuery(query, marksQuery)
    return { at: context.clock.now(), marks: await context.list({ from, to }) }
  })
  void app.register(async (scope) => await serveChanges(scope, context))
}
