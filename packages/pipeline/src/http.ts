import { createHash, timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { MillraceError, UsageError } from './errors.ts'
import { isLoopback, listenError } from './listen.ts'
import type { Logger } from './log.ts'
import type { Meters } from './meters.ts'
import { readSecret } from './secrets.ts'

export interface HttpOptions {
  host: string
  /** 0 takes a free one. */
  port: number
  /** Needed for every address but loopback; asked for on all but /healthz and /readyz. */
  tokenFile?: string | undefined
  log: Logger
  meters: Meters
  name: string
  ready(): { ok: boolean; reasons: string[] }
  /** Where the address stands in the config file. Default `http`. */
  setting?: string
}

export interface HttpServer {
  app: FastifyInstance
  /** Rejects with a MillraceError that names the setting when the address cannot be had. */
  listen(): Promise<{ port: number }>
  /** Ends open connections, event streams too. Safe without `listen` and twice. */
  close(): Promise<void>
}

const openPaths = new Set(['/healthz', '/readyz'])
const minTokenLength = 16

/** Browsers ask for a user and a password by themselves, and event streams then carry them; the token is the password. */
function givenToken(header: string | undefined): string | undefined {
  const [scheme, value] = header?.split(' ', 2) ?? []
  if (value === undefined) return undefined
  if (scheme?.toLowerCase() === 'bearer') return value
  if (scheme?.toLowerCase() !== 'basic') return undefined
  const pair = Buffer.from(value, 'base64').toString('utf8')
  return pair.slice(pair.indexOf(':') + 1)
}

function demandToken(app: FastifyInstance, token: string): void {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(token)
  app.addHook('onRequest', async (request, reply) => {
    if (openPaths.has(request.url.split('?', 1)[0]!)) return
    const given = givenToken(request.headers.authorization)
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return
    await reply
      .code(401)
      .header('www-authenticate', 'Basic realm="millrace", charset="UTF-8"')
      .send({ error: 'unauthorised', message: 'send the token as "Authorization: Bearer ..."' })
  })
}

/** A page of another site may point a name of its own at this machine; the name it then asks for gives it away. */
function demandLocalName(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    const name = request.headers.host?.replace(/:\d+$/, '') ?? ''
    if (!isLoopback(name)) await reply.code(421).send({ error: 'not-this-host', message: 'ask for localhost' })
  })
}

function readToken({ host, tokenFile, setting = 'http' }: HttpOptions): string | undefined {
  if (tokenFile === undefined) {
    if (isLoopback(host)) return undefined
    const problem = { path: `${setting}.tokenFile`, found: 'nothing', expected: 'a token file, or a loopback host' }
    throw new UsageError(`${host} can be reached by other machines, so a token is needed`, [problem], {
      code: 'token-required',
    })
  }
  const token = readSecret(tokenFile, `${setting}.tokenFile`)
  if (token.length >= minTokenLength) return token
  const problem = {
    path: `${setting}.tokenFile`,
    found: 'a short token',
    expected: `at least ${minTokenLength} characters`,
  }
  throw new UsageError('the token is too easy to guess', [problem], { code: 'secret-unreadable' })
}

function statusOf(error: Error & { statusCode?: number }): number {
  return error instanceof UsageError ? 400 : (error.statusCode ?? 500)
}

function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler(async (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    const status = statusOf(error)
    if (status < 500) {
      const problems = error instanceof UsageError ? { problems: error.problems } : {}
      return await reply.code(status).send({ error: 'bad-request', message: error.message, ...problems })
    }
    log.error({ error, route: request.routeOptions.url }, 'request failed')
    const code = error instanceof MillraceError ? error.code : 'internal'
    return await reply.code(status).send({ error: code, message: 'the request failed; the log says why' })
  })
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ error: 'not-found' }))
}

function serveHealth(app: FastifyInstance, { meters, name, ready }: HttpOptions): void {
  app.get('/healthz', async () => ({ ok: true, name }))
  app.get('/readyz', async (_request, reply) => {
    const state = ready()
    return await reply.code(state.ok ? 200 : 503).send({ name, ...state })
  })
  app.get('/metrics', async (_request, reply) => {
    return await reply.type('text/plain; version=0.0.4; charset=utf-8').send(await meters.text())
  })
}

/** The HTTP side of a service: health, meters, token and plain errors; the caller adds its routes to `app`. */
export function createHttpServer(options: HttpOptions): HttpServer {
  const { host, port, log, setting = 'http' } = options
  const token = readToken(options)
  const app = fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024, trustProxy: false })
  if (token === undefined) demandLocalName(app)
  else demandToken(app, token)
  answerErrors(app, log)
  serveHealth(app, options)
  return {
    app,
    async listen() {
      try {
        await app.listen({ host, port })
      } catch (error) {
        throw listenError(error, { setting: `${setting}.port`, host, port })
      }
      return { port: (app.server.address() as AddressInfo).port }
    },
    close: async () => await app.close(),
  }
}
