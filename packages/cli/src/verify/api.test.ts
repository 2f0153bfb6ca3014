import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { getJson } from './api.ts'

async function serve(port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((_, response) => response.end('{"ok":true}')).listen(port, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  return { server, port: (server.address() as AddressInfo).port }
}
const end = (server: Server) => {
  server.closeAllConnections()
  return new Promise((closed) => server.close(closed))
}

it('who never answered is named at once, with the reason', async () => {
  const { server, port } = await serve(0)
  await end(server)
  const address = { url: `http://127.0.0.1:${port}`, flag: '--url' }
  const message = `no answer at http://127.0.0.1:${port} to /api/accounts (ECONNREFUSED)`
  await expect(getJson(address, '/api/accounts?x=1')).rejects.toThrow(message)
})

it('who answered before and is gone is asked again until it is back', async () => {
  const first = await serve(0)
  const address = { url: `http://127.0.0.1:${first.port}`, flag: '--url' }
  expect(await getJson(address, '/')).toEqual({ ok: true })
  await end(first.server)
  const answer = getJson(address, '/')
  const second = await serve(first.port)
  onTestFinished(async () => void (await end(second.server)))
  expect(await answer).toEqual({ ok: true })
})

it('an address that is none is named by its flag at once, however patient the caller', async () => {
  for (const url of ['nowhere', 'localhost:8080', 'ftp://host']) {
    const wrong = { exitCode: 2, problems: [expect.objectContaining({ path: '--url', found: url })] }
    await expect(getJson({ url, flag: '--url', patienceMs: 60_000 }, '/')).rejects.toMatchObject(wrong)
  }
})

it('who answered before, and then does not reach a server of its own, is asked again until it does', async () => {
  const answers = [200, 503, 503, 200]
  const server = createServer((_, response) => response.writeHead(answers.shift() ?? 500).end('{"ok":true}'))
  server.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  onTestFinished(async () => void (await end(server)))
  const address = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, flag: '--url' }
  await getJson(address, '/')
  expect(await getJson(address, '/')).toEqual({ ok: true })
  expect(answers).toEqual([])
})
