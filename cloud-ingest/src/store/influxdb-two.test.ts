import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../stored.ts'
import { noon, storedRow } from '../testing/rows.ts'
import { stores } from './index.ts'

interface Request {
  method: string
  path: string
  authorization: string | undefined
  statement: string | undefined
  lines: string[]
}

const folder = mkdtempSync(join(tmpdir(), 'millrace-influx-two-'))
const tokenFile = join(folder, 'token')
const allBuckets = ['live', 'minute', 'history']
let buckets: readonly string[]
let refusal: { status: number; body: unknown } | undefined
let requests: Request[]
let url = ''
const server = createServer((request, response) => void respond(request, response))

/** Answers as InfluxDB 2 does behind its endpoints of version 1: from what its documents say, not from a run. */
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { pathname, searchParams } = new URL(request.url!, 'http://x')
  const body = Buffer.concat(chunks)
  const isWrite = pathname === '/write'
  const form = new URLSearchParams(isWrite ? '' : body.toString('utf8'))
  const statement = searchParams.get('q') ?? form.get('q') ?? undefined
  const { authorization } = request.headers
  if (pathname !== '/ping') {
    const lines = isWrite ? gunzipSync(body).toString('utf8').trimEnd().split('\n') : []
    requests.push({ method: request.method!, path: isWrite ? request.url! : pathname, authorization, statement, lines })
  }
  response.setHeader('x-influxdb-version', 'v2.7.11')
  if (pathname === '/ping') response.writeHead(204).end()
  else if (authorization !== 'Token secret-token') response.writeHead(401).end('{"code":"unauthorized"}')
  else if (!isWrite) response.end(JSON.stringify({ results: [{ series: policiesOf(statement) }] }))
  else if (refusal) response.writeHead(refusal.status).end(JSON.stringify(refusal.body))
  else response.writeHead(204).end()
}

function policiesOf(statement: string | undefined) {
  if (!statement?.startsWith('show retention')) return []
  return [{ name: '', columns: ['name', 'duration'], values: buckets.map((name) => [name, '0s']) }]
}

async function open(): Promise<Store> {
  const context = { dataDir: '', clock: manualClock(noon), log: silentLogger }
  return await stores.create(
    { type: 'influxdb', url, database: 'telemetry', gzip: true, tokenFile } as { type: string },
    context,
  )
}

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  writeFileSync(tokenFile, 'secret-token\n', { mode: 0o600 })
  buckets = allBuckets
  refusal = undefined
  requests = []
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const batch = { rows: [storedRow({ start: noon })], completeness: [] }

describe('InfluxDB 2 behind its endpoints of version 1', () => {
  test('is asked just this, each time with the token', async () => {
    const store = await open()
    await store.write(batch)
    await store.readReadings({ site: 'north', device: 'pump', metric: 'co2', from: 1, to: 2 })
    const keys = (policy: string) => `SHOW FIELD KEYS ON "telemetry" FROM "${policy}"./.*/`
    const tags = `"site" = 'north' AND "device" = 'pump' AND "metric" = 'co2'`
    expect(requests.map(({ method, path, statement }) => [method, path, statement])).toEqual([
      ['GET', '/query', 'show retention policies on "telemetry"'],
      ['POST', '/query', keys('live')],
      ['POST', '/query', keys('minute')],
      ['POST', '/query', keys('history')],
      ['POST', '/write?db=telemetry&rp=minute&precision=ms', undefined],
      ['POST', '/query', `SELECT "value" FROM "live"."reading" WHERE ${tags} AND time >= 1ms AND time < 2ms`],
    ])
    expect(new Set(requests.map(({ authorization }) => authorization))).toEqual(new Set(['Token secret-token']))
    expect(requests[4]!.lines).toHaveLength(1)
  })

  test('without a bucket is named with what is missing, and nothing is written', async () => {
    buckets = ['live', 'minute']
    const store = await open()
    await expect(store.write(batch)).rejects.toThrow(/no bucket for "telemetry\/history"/)
    expect(requests.some(({ path }) => path.startsWith('/write'))).toBe(false)
    buckets = allBuckets
    expect(await store.write(batch)).toEqual([])
  })

  test('refuses points with 422 and says why in its own words', async () => {
    const message =
      'failure writing points to database: partial write: field type conflict: input field "count" dropped=1'
    refusal = { status: 422, body: { code: 'unprocessable entity', message } }
    expect(await (await open()).write(batch)).toMatchObject([{ reason: 'refused-by-store', detail: message }])
  })

  test('with a token that is not there for a moment, just when it is read anew, takes what was held', async () => {
    const store = await open()
    refusal = { status: 500, body: {} }
    await expect(store.write(batch)).rejects.toThrow(/500/)
    renameSync(tokenFile, `${tokenFile}.old`)
    await expect(store.write(batch)).rejects.toThrow(/secret file/)
    renameSync(`${tokenFile}.old`, tokenFile)
    refusal = undefined
    expect(await store.write(batch)).toEqual([])
  })

  test('with a token that is put right while it runs takes what was held', async () => {
    const store = await open()
    await store.write(batch)
    writeFileSync(tokenFile, 'another-token\n', { mode: 0o600 })
    refusal = { status: 401, body: { code: 'unauthorized', message: 'unauthorized access' } }
    await expect(store.write(batch)).rejects.toThrow(/401: unauthorized access/)
    refusal = undefined
    await expect(store.write(batch)).rejects.toThrow(/401/)
    writeFileSync(tokenFile, 'secret-token\n', { mode: 0o600 })
    expect(await store.write(batch)).toEqual([])
  })
})
