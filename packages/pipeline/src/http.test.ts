import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { recordingLogger } from '../testing/index.ts'
import { createHttpServer, createMeters, describeError, type HttpOptions, type HttpServer } from './index.ts'

const servers: HttpServer[] = []
const secret = 'a-token-that-is-long-enough'

function server(changes: Partial<HttpOptions> = {}): HttpServer {
  const ready = () => ({ ok: true, reasons: [] })
  const options = {
    host: '127.0.0.1',
    port: 0,
    log: recordingLogger(),
    meters: createMeters('test'),
    name: 'test',
    ready,
  }
  const created = createHttpServer({ ...options, ...changes })
  servers.push(created)
  return created
}

function secretFile(text: string, mode = 0o600): string {
  const file = join(mkdtempSync(join(tmpdir(), 'millrace-http-')), 'token')
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

afterEach(async () => {
  for (const created of servers.splice(0)) await created.close()
})

test('health, readiness and meters are there', async () => {
  const meters = createMeters('test')
  meters.counter('readings_total', 'Readings', ['site']).inc({ site: 'a' }, 3)
  expect(meters.counter('readings_total', 'Readings')).toBe(meters.counter('readings_total', 'Readings'))
  const state = { ok: false, reasons: ['no broker'] }
  const { app } = server({ meters, ready: () => state })
  expect((await app.inject('/healthz')).json()).toEqual({ ok: true, name: 'test' })
  const unready = await app.inject('/readyz')
  expect([unready.statusCode, unready.json()]).toEqual([503, { name: 'test', ok: false, reasons: ['no broker'] }])
  state.ok = true
  expect((await app.inject('/readyz')).statusCode).toBe(200)
  const text = (await app.inject('/metrics')).body
  expect(text).toContain('test_readings_total{site="a"} 3')
  expect(text).toMatch(/test_process_resident_bytes \d+/)
})

test.each(['0.0.0.0', '::', '192.168.1.5', 'example.org'])('%s is refused without a token file', (host) => {
  expect(thrownBy(() => server({ host, setting: 'http' }))).toMatchObject({
    code: 'token-required',
    exitCode: 2,
    problems: [{ path: 'http.tokenFile', found: 'nothing' }],
  })
})

test('with a token file everything but health asks for the token, as bearer or as the password of a browser', async () => {
  const { app } = server({ host: '0.0.0.0', tokenFile: secretFile(`${secret}\n`) })
  const ask = async (url: string, authorization?: string) => {
    return (await app.inject({ url, headers: authorization ? { authorization } : {} })).statusCode
  }
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  expect(await ask('/healthz')).toBe(200)
  expect(await ask('/readyz?x=1')).toBe(200)
  expect(await ask('/metrics')).toBe(401)
  expect(await ask('/healthz/../metrics')).toBe(401)
  expect(await ask('/unknown')).toBe(401)
  expect(await ask('/metrics', `Bearer ${secret}x`)).toBe(401)
  expect(await ask('/metrics', `Bearer ${secret}`)).toBe(200)
  expect(await ask('/metrics', basic(`me:${secret}`))).toBe(200)
  expect(await ask('/metrics', basic('me:wrong'))).toBe(401)
})

test('without a token only names of this machine are served, so that no other site can read along', async () => {
  const { app } = server()
  const ask = async (host: string) => (await app.inject({ url: '/metrics', headers: { host } })).statusCode
  const own = ['localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'localhost']
  expect(await Promise.all(own.map(ask))).toEqual([200, 200, 200, 200])
  expect(
    await Promise.all(['attacker.example:8080', 'localhost.attacker.example', '127.0.0.1.nip.io'].map(ask)),
  ).toEqual([421, 421, 421])
})

test('a token file that is missing, empty, short or open to others is refused and its content is in no message', () => {
  const refusals = [
    thrownBy(() => server({ tokenFile: '/nowhere/token' })),
    thrownBy(() => server({ tokenFile: secretFile('\n') })),
    thrownBy(() => server({ tokenFile: secretFile('short-secret') })),
    thrownBy(() => server({ tokenFile: secretFile(secret, 0o644) })),
    thrownBy(() => server({ tokenFile: secretFile(secret, 0o660) })),
  ]
  for (const error of refusals) {
    expect(error).toMatchObject({ code: 'secret-unreadable', exitCode: 2 })
    expect(describeError(error)).toContain('http.tokenFile')
    expect(describeError(error)).not.toMatch(/short-secret|long-enough/)
  }
})

test('a taken port is one plain message that names the port and the setting', async () => {
  const { port } = await server().listen()
  const error = await server({ port, setting: 'http' })
    .listen()
    .catch((cause: unknown) => cause)
  expect(describeError(error)).toBe(
    `port ${port} on 127.0.0.1 is taken by another program\nStop that program or choose another port with http.port.\n[port-taken]`,
  )
})

test('an address that is not of this machine is named', async () => {
  const remote = server({ host: '192.0.2.1', tokenFile: secretFile(secret) })
  await expect(remote.listen()).rejects.toMatchObject({ code: 'address-refused', exitCode: 2 })
})

test('close ends open event streams, and is safe twice and without listen', async () => {
  const created = server()
  created.app.get('/stream', (_request, reply) => {
    reply.hijack()
    reply.raw.write('data: 1\n\n')
  })
  const { port } = await created.listen()
  const response = await fetch(`http://127.0.0.1:${port}/stream`)
  await created.close()
  await created.close()
  await expect(response.text()).rejects.toThrow()
  await server().close()
})

test('an error of ours answers plainly, any other only says that it is in the log', async () => {
  const log = recordingLogger()
  const { app } = server({ log })
  app.get('/broken', () => {
    throw new Error('with details')
  })
  const broken = await app.inject('/broken')
  expect([broken.statusCode, broken.body.includes('details')]).toEqual([500, false])
  expect(log.lines).toMatchObject([{ level: 'error', fields: { route: '/broken' } }])
  expect((await app.inject('/nothing')).json()).toEqual({ error: 'not-found' })
})
