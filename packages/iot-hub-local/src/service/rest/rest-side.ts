import type { Server } from 'node:https'
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { HubError } from '../../hub-error.ts'
import type { HubCore } from '../../types.ts'
import type { Authority } from '../authority.ts'
import { serveDevices, serveStatistics } from './device-routes.ts'
import { serveQueries } from './query-routes.ts'
import { refusalFor, sendRefusal } from './refusal.ts'
import { serveMethods, serveTwins } from './twin-routes.ts'

const maxBodyBytes = 1024 * 1024

function authorize(request: FastifyRequest, authority: Authority): void {
  const { anyOf = [] } = request.routeOptions.config
  const judgement = authority.judge(request.headers.authorization ?? '')
  if (!judgement.ok) throw new HubError('UnauthorizedAccess', `Unauthorized: ${judgement.reason}`)
  const { grant } = judgement
  const allowed = anyOf.some((permission) => grant.permissions.includes(permission))
  if (allowed && authority.covers(grant, request.url.split('?', 1)[0]!)) return
  throw new HubError(
    'UnauthorizedAccess',
    `Unauthorized: this needs a policy with the permission ${anyOf.join(' or ')}`,
  )
}

function checkVersion(request: FastifyRequest): void {
  if ((request.query as Record<string, unknown>)['api-version'] !== undefined) return
  throw new HubError('ArgumentInvalid', 'the query parameter api-version is missing')
}

/** What services ask of the hub over HTTPS: registry, twins, queries, methods, in the shapes that `azure-iothub` knows. */
export function createRest(core: HubCore, authority: Authority, server: Server): FastifyInstance {
  const app = fastify({
    serverFactory: (handler) => server.on('request', handler),
    bodyLimit: maxBodyBytes,
    frameworkErrors: (error, _request, reply) => {
      sendRefusal(reply, { status: 400, code: 'ArgumentInvalid', message: error.message })
    },
  })
  app.addHook('onRequest', async (request) => {
    if (request.is404) return
    authorize(request, authority)
    checkVersion(request)
  })
  app.setErrorHandler((error, _request, reply) => {
    const refusal = refusalFor(error)
    if (refusal) return sendRefusal(reply, refusal)
    core.log.error({ error }, 'a request of a service failed')
    return sendRefusal(reply, { status: 500, code: 'ServerError', message: 'the local hub failed, its log says why' })
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `${request.method} ${request.url.split('?', 1)[0]} is not part of the local hub`
    return sendRefusal(reply, { status: 501, code: 'NotImplemented', message })
  })
  serveDevices(app, core)
  serveStatistics(app, core)
  serveQueries(app, core)
  serveTwins(app, core)
  serveMethods(app, core)
  return app
}
