import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { manualClock, silentLogger } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ChangeLog } from '../changes.ts'
import type { Store } from '../stored.ts'
import { minuteMs, noon, storedRow } from '../testing/rows.ts'
import { daysIn } from './days.ts'
import { Feeder } from './feeder.ts'
import { stores } from './index.ts'
import { InfluxConnection } from './influxdb-connection.ts'
import { retryAfterMs } from './influxdb-http.ts'

interface Write {
  lines: string[]
  response: ServerResponse
}

/** An InfluxDB that answers as told; it keeps what it says it keeps. */
let answer: (write: Write) => void
const kept = new Map<string, string>()
let requests = 0
/** What the fake says that its policy of minutes keeps. */
let minutePolicy = '2160h0m0s'
let store: Store
const server = createServer((request, response) => void respond(request, response))

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (!request.url?.startsWith('/write')) {
    const values = [
      ['telemetry', ''],
      ['live', '24h0m0s'],
      ['minute', minutePolicy],
      ['history', '0s'],
    ]
    response.end(JSON.stringify({ results: [{ series: [{ name: 'x', columns: ['name', 'duration'], values }] }] }))
    return
  }
  requests++
  answer({ lines: gunzipSync(Buffer.concat(chunks)).toString('utf8').trimEnd().split('\n'), response })
}

const keep = (lines: readonly string[]) => {
  for (const line of lines) kept.set(`${line.split(' ', 1)[0]} ${line.slice(line.lastIndexOf(' '))}`, line)
}
const say = (response: ServerResponse, status: number, error = '') => {
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(status === 204 ? '' : JSON.stringify({ error }))
}

const rows = Array.from({ length: 5_000 }, (_, index) => storedRow({ start: noon + index * minuteMs, values: [index] }))
const batch = { rows, completeness: [] }

const feederOf = (log: ChangeLog) => {
  const context = { store, log, clock: manualClock(noon), days: daysIn('UTC'), logger: silentLogger }
  return new Feeder({ ...context, name: 'influxdb', type: 'influxdb', accountable: true })
}

/** A log with one changed window. */
function logOfOne(): ChangeLog {
  const { agent, spool, ...values } = storedRow()
  const part = { agent, spool, rev: 0, changes: 0, n: 1, late: false, values }
  const { site, device, metric, unit, start, lengthMs } = values
  const window = { seriesId: 1, site, device, metric, unit, start, lengthMs, parts: [part] }
  const nothing = async () => undefined
  return {
    head: () => 1,
    cursor: async () => 0,
    read: async () => ({ upTo: 1, windows: [window], completeness: [] }),
    ...{ settle: nothing, resolveLate: nothing, clean: nothing, dirty: async () => [] },
    changed: (_after, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  }
}

beforeEach(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  store = await stores.create({ type: 'influxdb', url, database: 'telemetry', gzip: true } as { type: string }, {
    dataDir: '',
    clock: manualClock(noon),
    log: silentLogger,
  })
  kept.clear()
  requests = 0
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('a write to InfluxDB', () => {
  test.each([500, 502, 503, 504, 429, 401, 403, 404])(
    'answered with %i is held and tried again, never refused',
    async (status) => {
      answer = ({ response }) => say(response, status, 'not now')
      await expect(store.write(batch)).rejects.toThrow(String(status))
      answer = ({ lines, response }) => {
        keep(lines)
        say(response, 204)
      }
      expect(await store.write(batch)).toEqual([])
      expect(kept.size).toBe(5_000)
    },
  )

  test('of which the policy does not fit is known to fail before there is a row', async () => {
    minutePolicy = '24h0m0s'
    const stopping = new AbortController()
    const feeder = feederOf({ ...logOfOne(), head: () => 0 })
    const running = feeder.run(stopping.signal)
    expect(feeder.state()).toMatchObject({ behind: 0, error: 'not reached yet' })
    await until(() => feeder.state().error?.includes('retention policy "minute"'), { label: 'the judgement' })
    minutePolicy = '2160h0m0s'
    await until(() => feeder.state().error === null, { label: 'a store that fits' })
    stopping.abort()
    await running
  })

  test('waits for no answer whose connection was cut in the middle', async () => {
    const broken = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"results":')
      setTimeout(() => response.destroy(), 20)
    })
    broken.listen(0, '127.0.0.1')
    await once(broken, 'listening')
    const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const credentials = () => ({ username: undefined, password: undefined, token: undefined })
    const connection = new InfluxConnection(
      { url, database: 'telemetry', gzip: true, credentials },
      { prepareMs: 300, answerMs: 500 },
    )
    await expect(connection.prepare()).rejects.toThrow(`no answer from InfluxDB at ${url}`)
    await expect(connection.query(['SHOW DATABASES'])).rejects.toThrow('no answer')
    broken.close()
  })

  test('that nobody answers is told in one way, whether its connection is cut or there is none', async () => {
    answer = ({ response }) => void response.destroy()
    const cut = await store.write(batch).catch((error: Error) => error.message)
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    const gone = await store.write(batch).catch((error: Error) => error.message)
    expect(gone).toBe(cut)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  test('goes over one connection, batch after batch', async () => {
    let connections = 0
    server.on('connection', () => connections++)
    answer = ({ lines, response }) => {
      keep(lines)
      say(response, 204)
    }
    await store.write(batch)
    const before = connections
    for (let index = 0; index < 5; index++) await store.write(batch)
    expect(connections).toBe(before)
  })

  test('a query whose connection is reset is asked once more; a second time its code is told', async () => {
    let resets = 1
    const flaky = createServer((request, response) => {
      if (resets-- > 0) request.socket.resetAndDestroy()
      else response.end('{"results":[{}]}')
    })
    flaky.listen(0, '127.0.0.1')
    await once(flaky, 'listening')
    const url = `http://127.0.0.1:${(flaky.address() as AddressInfo).port}`
    const credentials = () => ({ username: undefined, password: undefined, token: undefined })
    const connection = new InfluxConnection({ url, database: 'telemetry', gzip: true, credentials })
    expect(await connection.query(['SHOW DATABASES'])).toEqual([[]])
    resets = 2
    await expect(connection.query(['SHOW DATABASES'])).rejects.toMatchObject({
      message: expect.stringContaining('no answer'),
      hint: 'ECONNRESET',
    })
    expect(await connection.query(['SHOW DATABASES'])).toEqual([[]])
    flaky.closeAllConnections()
    flaky.close()
  })

  test('after one connection of several has lost its far side, no other that was kept is tried', async () => {
    const dead = new Set<unknown>()
    let connections = 0
    const silent = createServer((request, response) => {
      if (!dead.has(request.socket)) response.end('{"results":[{}]}')
    })
    silent.on('connection', () => connections++)
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const credentials = () => ({ username: undefined, password: undefined, token: undefined })
    const connection = new InfluxConnection(
      { url, database: 'telemetry', gzip: true, credentials },
      { prepareMs: 300, answerMs: 300 },
    )
    const open: unknown[] = []
    silent.on('request', ({ socket }) => open.push(socket))
    await Promise.all(Array.from({ length: 4 }, () => connection.query(['SHOW DATABASES'])))
    expect(connections).toBe(4)
    for (const socket of open) dead.add(socket)
    await expect(connection.query(['SHOW DATABASES'])).rejects.toThrow('no answer')
    expect(await connection.query(['SHOW DATABASES'])).toEqual([[]])
    silent.closeAllConnections()
    silent.close()
  })

  test('kept and then cut off has no second effect', async () => {
    answer = ({ lines, response }) => {
      keep(lines)
      response.destroy()
    }
    await expect(store.write(batch)).rejects.toThrow('no answer')
    const before = [...kept]
    answer = ({ lines, response }) => {
      keep(lines)
      say(response, 204)
    }
    await store.write(batch)
    expect([...kept]).toEqual(before)
  })

  test('waits as long as Retry-After asks, at most 15 minutes', async () => {
    answer = ({ response }) => void response.writeHead(503, { 'retry-after': '7' }).end('{}')
    await expect(store.write(batch)).rejects.toMatchObject({ retryAfterMs: 7_000 })
    const now = Date.parse('2026-03-01T12:00:00Z')
    expect(retryAfterMs('Sun, 01 Mar 2026 12:00:30 GMT', now)).toBe(30_000)
    expect(retryAfterMs('86400', now)).toBe(15 * 60_000)
    expect([
      retryAfterMs('soon', now),
      retryAfterMs('-5', now),
      retryAfterMs(undefined, now),
      retryAfterMs('', now),
    ]).toEqual([0, 0, 0, 0])
  })

  test('asked to wait, the feeder waits that long, and at least its own back-off when asked in words nobody understands', async () => {
    const stopping = new AbortController()
    const attempts: number[] = []
    const headers = [() => '1', () => 'in a while', () => new Date(Date.now() + 2_000).toUTCString()]
    answer = ({ lines, response }) => {
      attempts.push(performance.now())
      const header = headers[attempts.length - 1]?.()
      if (header !== undefined) return void response.writeHead(429, { 'retry-after': header }).end('{}')
      keep(lines)
      say(response, 204)
    }
    const feeder = feederOf(logOfOne())
    const running = feeder.run(stopping.signal)
    await until(() => kept.size === 1, { withinMs: 20_000, label: 'the row is kept' })
    const waits = attempts.slice(1, 4).map((at, index) => at - attempts[index]!)
    expect(waits[0]).toBeGreaterThanOrEqual(999)
    expect(waits[1]).toBeLessThan(999)
    expect(waits[2]).toBeGreaterThanOrEqual(950)
    stopping.abort()
    await running
  })

  /** As a server refuses points of which `bad` says so, telling how many. */
  function partial(bad: (line: string) => boolean, message: (dropped: number) => string): typeof answer {
    return ({ lines, response }) => {
      const dropped = lines.filter(bad).length
      keep(lines.filter((line) => !bad(line)))
      if (dropped === 0) say(response, 204)
      else say(response, 400, message(dropped))
    }
  }

  const badStarts = new Set([3, 777, 778, 2_500, 4_999].map((index) => noon + index * minuteMs))
  const isBad = (line: string) => badStarts.has(Number(line.slice(line.lastIndexOf(' ') + 1)))
  const found = async () => (await store.write(batch)).map(({ row, reason }) => [row.start, reason])

  test('with points beyond retention finds just those, in at most k log2 n requests', async () => {
    answer = partial(isBad, (dropped) => `partial write: points beyond retention policy dropped=${dropped}`)
    expect(await found()).toEqual([...badStarts].map((start) => [start, 'beyond-retention']))
    expect(kept.size).toBe(4_995)
    expect(requests).toBeLessThanOrEqual(badStarts.size * Math.ceil(Math.log2(5_000)))
  })

  test('with points of a wrong type finds all of them though the server tells of one shard only', async () => {
    answer = partial(isBad, () => 'partial write: field type conflict: input field "x" dropped=1')
    expect(await found()).toEqual([...badStarts].map((start) => [start, 'refused-by-store']))
    expect(kept.size).toBe(4_995)
  })

  test('too large is halved until it fits; one line that is too large alone is refused', async () => {
    answer = ({ lines, response }) => {
      if (lines.length > 700 || lines.some(isBad)) return say(response, 413, 'too large')
      keep(lines)
      say(response, 204)
    }
    expect(await found()).toEqual([...badStarts].map((start) => [start, 'refused-by-store']))
    expect(kept.size).toBe(4_995)
  })
})
