import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { HubError } from '../../hub-error.ts'
import type { HubCore } from '../../types.ts'
import { parseQuery, project } from './query.ts'
import type { RouteConfig } from './routes.ts'
import { twinBody } from './twin-body.ts'

const defaultPage = 100
const maxPage = 1000

const anyone = { config: { anyOf: ['registryRead', 'serviceConnect'] } satisfies RouteConfig }
const bodySchema = z.object({ query: z.string().max(10_000) })
const tokenSchema = z.object({ after: z.string() })

function pageSize(header: unknown): number {
  const wanted = Number(header ?? defaultPage)
  return Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, maxPage) : defaultPage
}

function afterOf(token: unknown): string {
  if (typeof token !== 'string') return ''
  try {
    return tokenSchema.parse(JSON.parse(Buffer.from(token, 'base64').toString('utf8'))).after
  } catch {
    throw new HubError('ArgumentInvalid', 'the continuation token is not one of this hub')
  }
}

function tokenOf(after: string): string {
  return Buffer.from(JSON.stringify({ after })).toString('base64')
}

/** Queries over twins, in pages in the order of device ids. */
export function serveQueries(app: FastifyInstance, core: HubCore): void {
  app.post('/devices/query', anyone, async (request, reply) => {
    const parsed = bodySchema.safeParse(request.body)
    if (!parsed.success) throw new HubError('ArgumentInvalid', 'the body must be {"query": "SELECT ..."}')
    const query = parseQuery(parsed.data.query)
    const after = afterOf(request.headers['x-ms-continuation'])
    const size = pageSize(request.headers['x-ms-max-item-count'])
    const ids = core.registry.list().map(({ deviceId }) => deviceId)
    const rows = ids
      .filter((id) => id > after)
      .sort((a, b) => (a < b ? -1 : 1))
      .map((id) => twinBody(core, core.twins.get(id)!))
      .filter((row) => query.matches(row))
    const page = rows.slice(0, size)
    if (rows.length > size) reply.header('x-ms-continuation', tokenOf(String(page.at(-1)!.deviceId)))
    reply.header('x-ms-item-type', query.fields ? 'Raw' : 'Twin')
    return page.map((row) => project(query, row))
  })
}
