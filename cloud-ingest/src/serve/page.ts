import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fastifyStatic } from '@fastify/static'
import { type HttpServer, UsageError } from '@millrace/pipeline'

/** The page loads nothing from outside, runs no inline script and may not be framed. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** Serves a folder of built files at `/`. */
export async function servePage(app: HttpServer['app'], folder: string | undefined): Promise<void> {
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(headers)
  })
  if (folder === undefined) return
  if (!existsSync(join(folder, 'index.html'))) {
    const problem = { path: 'http.page', found: folder, expected: 'a folder with the built page (index.html)' }
    throw new UsageError('the page is not there', [problem], { code: 'config-invalid' })
  }
  await app.register(fastifyStatic, { root: resolve(folder), cacheControl: true, maxAge: 0, etag: true })
}
