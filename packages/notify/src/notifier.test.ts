import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkConfig, type Message, manualClock, SpoolFullError, UsageError } from '@millrace/pipeline'
import { recordingLogger, until } from '@millrace/pipeline/testing'
import { deadLetters, openSpool, type Spool } from '@millrace/spool'
import { afterEach, describe, expect, it } from 'vitest'
import { alertOf, cleared, t0, withdrawn } from '../testing/alerts.ts'
import { HttpFarSide } from '../testing/http-far-side.ts'
import { type Notice, notifySchema, openNotifier } from './index.ts'
import type { Notifier, NotifierOptions } from './types.ts'

const folder = mkdtempSync(join(tmpdir(), 'notify-notifier-'))
const cleanups: (() => Promise<unknown> | unknown)[] = [() => undefined]
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  rmSync(folder, { recursive: true, force: true })
})

const clock = manualClock(t0)
const log = recordingLogger()

async function spoolOf(): Promise<Spool> {
  const limits = { maxBytes: 64 * 1024 ** 2, reserveBytes: 1024 ** 2 }
  const spool = await openSpool({ folder, application: 'test', version: 1, schema: deadLetters.schema, ...limits })
  cleanups.push(() => spool.close())
  return spool
}

async function far(): Promise<HttpFarSide> {
  const server = new HttpFarSide()
  await server.up()
  cleanups.push(() => server.close())
  return server
}

const hookOf = (server: HttpFarSide, name = 'ops') => ({
  type: 'webhook',
  name,
  url: `http://127.0.0.1:${server.port}/`,
})

interface Setup extends Partial<NotifierOptions> {
  channels?: object[]
  settings?: object
}

async function notifierOf(spool: Spool, { channels = [], settings = {}, ...options }: Setup = {}): Promise<Notifier> {
  const config = checkConfig({ channels, groupWait: 0, groupEvery: 0, ...settings }, notifySchema, 'a test')
  const backoff = { minMs: 1, maxMs: 20 }
  const notifier = await openNotifier({ config, spool, clock, log, evaluator: 'ingest', backoff, ...options })
  cleanups.push(() => notifier.stop())
  notifier.start()
  return notifier
}

async function give(notifier: Notifier, spool: Spool, ...alerts: Parameters<Notifier['plan']>[0]): Promise<void> {
  const plan = notifier.plan(alerts)
  await spool.write(plan.statements)
  plan.committed()
}

const noticesOf = (server: HttpFarSide): Notice[] => server.received.map(({ text }) => JSON.parse(text) as Notice)
const kindsOf = (server: HttpFarSide) => noticesOf(server).map(({ items }) => items.map(({ kind }) => kind))
const statusOf = (notifier: Notifier, name = 'ops') => notifier.status().find(({ channel }) => channel === name)!

describe('channels and their troubles', () => {
  it('one that hangs or fails holds no other', async () => {
    const [slow, failing, well, spool] = [await far(), await far(), await far(), await spoolOf()]
    slow.behave('hangs')
    failing.behave('is busy')
    const channels = [hookOf(slow, 'slow'), hookOf(failing, 'failing'), hookOf(well, 'well')]
    const notifier = await notifierOf(spool, { channels })
    const alert = alertOf()
    await give(notifier, spool, alert)
    await until(() => well.received.length === 1)
    await give(notifier, spool, cleared(alert))
    await until(() => well.received.length === 2)
    expect(kindsOf(well)).toEqual([['raised'], ['cleared']])
    expect(slow.received).toEqual([])
    await until(() => statusOf(notifier, 'well').waiting === 0)
    expect(notifier.status().map(({ waiting }) => waiting > 0)).toEqual([true, true, false])
  })

  it('one that is down holds its notices, says so, and is told the difference when it is back', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    await server.down()
    const notifier = await notifierOf(spool, { channels: [hookOf(server)] })
    const [a, b, c] = ['a', 'b', 'c'].map((device) => alertOf({ device }))
    await give(notifier, spool, a!, b!)
    await until(() => statusOf(notifier).error !== null)
    expect(statusOf(notifier)).toMatchObject({ waiting: 2, error: expect.stringContaining('ECONNREFUSED') })
    await give(notifier, spool, withdrawn(a!), cleared(b!), c!)
    await until(() => statusOf(notifier).waiting === 2)
    await server.up()
    await until(() => statusOf(notifier).waiting === 0)
    const told = noticesOf(server).flatMap(({ items }) => items.map(({ kind, alert }) => `${kind} ${alert.device}`))
    expect(told).toEqual(['raised c', 'passed b'])
    expect(statusOf(notifier).error).toBeNull()
  })

  it('sends again with the same key and body where an answer was lost', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    server.behave('hangs')
    const notifier = await notifierOf(spool, { channels: [{ ...hookOf(server), timeout: 100 }] })
    const alert = alertOf()
    await give(notifier, spool, alert)
    await until(() => server.seen.length > 0)
    await give(notifier, spool, withdrawn(alert))
    await until(() => server.seen.length > 2)
    server.behave('takes')
    await until(() => server.received.length === 2)
    const first = server.seen.slice(0, -1)
    expect(new Set(first.map(({ text }) => text)).size).toBe(1)
    expect(new Set(first.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(kindsOf(server)).toEqual([['raised'], ['withdrawn']])
  })

  it('waits as long as Retry-After asks', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    server.behave('is busy')
    server.retryAfter = '1'
    const notifier = await notifierOf(spool, { channels: [hookOf(server)] })
    await give(notifier, spool, alertOf())
    await until(() => server.seen.length === 1)
    const from = performance.now()
    server.behave('takes')
    await until(() => server.received.length === 1)
    expect(performance.now() - from).toBeGreaterThan(900)
  })

  it('sets a notice that is refused for good aside, with the reason, and goes on', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    server.behave('refuses')
    const notifier = await notifierOf(spool, { channels: [hookOf(server)] })
    const alert = alertOf()
    await give(notifier, spool, alert)
    await until(async () => (await deadLetters.counts(spool)).length > 0)
    const [letter] = await deadLetters.list(spool)
    expect(letter).toMatchObject({ reason: 'notice-refused', source: 'notify/ops', count: 0 })
    expect(JSON.parse(Buffer.from(letter!.body).toString())).toMatchObject({
      refused: expect.stringContaining('answered 400'),
      notice: { items: [{ alert: { id: alert.id } }] },
    })
    expect(statusOf(notifier)).toMatchObject({ waiting: 0, error: expect.stringContaining('refused') })
    server.behave('takes')
    await give(notifier, spool, cleared(alert))
    await until(() => server.received.length === 1)
    expect(statusOf(notifier).error).toBeNull()
  })

  it('sends nothing that the spool did not take', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    let full = false
    const write: Spool['write'] = (statements, options) =>
      full ? Promise.reject(new SpoolFullError('no room')) : spool.write(statements, options)
    const tight = Object.assign(Object.create(spool) as Spool, {
      write,
      read: spool.read.bind(spool),
      name: spool.name,
    })
    const notifier = await notifierOf(tight, { channels: [hookOf(server)] })
    const plan = notifier.plan([alertOf()])
    await spool.write(plan.statements)
    full = true
    plan.committed()
    await until(() => statusOf(notifier).error !== null)
    expect(statusOf(notifier).error).toContain('no room')
    expect(server.seen).toEqual([])
    full = false
    await until(() => server.received.length === 1)
    expect(statusOf(notifier).error).toBeNull()
  })
})

describe('restarts', () => {
  it('go on with what was held, under the same key', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    server.behave('hangs')
    const first = await notifierOf(spool, { channels: [hookOf(server)] })
    const alert = alertOf()
    await give(first, spool, alert)
    await until(() => server.seen.length === 1)
    await first.stop()
    server.behave('takes')
    const second = await notifierOf(spool, { channels: [hookOf(server)] })
    await give(second, spool, alert)
    await until(() => statusOf(second).waiting === 0)
    expect(server.received).toHaveLength(1)
    expect(server.received[0]!.headers['idempotency-key']).toBe(server.seen[0]!.headers['idempotency-key'])
  })

  it('tell no raise that was withdrawn before a channel was back', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    await server.down()
    const first = await notifierOf(spool, { channels: [hookOf(server)] })
    const [gone, stays] = [alertOf({ device: 'gone' }), alertOf({ device: 'stays' })]
    await give(first, spool, gone)
    await until(() => statusOf(first).error !== null)
    await first.stop()
    const second = await notifierOf(spool, { channels: [hookOf(server)] })
    await until(() => statusOf(second).error !== null)
    await give(second, spool, withdrawn(gone), stays)
    // Both are taken: what is on its way is known to say too much.
    await until(() => statusOf(second).waiting <= 2)
    await server.up()
    await until(() => statusOf(second).waiting === 0)
    expect(noticesOf(server).flatMap(({ items }) => items.map(({ alert }) => alert.device))).toEqual(['stays'])
  })

  it('tell a channel that is new what is active, and no other twice', async () => {
    const [old, added, spool] = [await far(), await far(), await spoolOf()]
    const first = await notifierOf(spool, { channels: [hookOf(old, 'old')] })
    await give(first, spool, alertOf({ device: 'a' }), cleared(alertOf({ device: 'b' })))
    // Received is not yet known to be taken: then it would be told again under its key.
    await until(() => old.received.length === 1 && statusOf(first, 'old').waiting === 0)
    await first.stop()
    const second = await notifierOf(spool, { channels: [hookOf(old, 'old'), hookOf(added, 'added')] })
    await until(() => added.received.length === 1)
    expect(kindsOf(added)).toEqual([['raised']])
    await second.stop()
    expect(old.received).toHaveLength(1)
  })

  it('set aside what was on its way to a channel that is gone', async () => {
    const [server, spool] = [await far(), await spoolOf()]
    server.behave('hangs')
    const first = await notifierOf(spool, { channels: [hookOf(server)] })
    await give(first, spool, alertOf())
    await until(() => server.seen.length === 1)
    await first.stop()
    await notifierOf(spool)
    expect(await deadLetters.counts(spool)).toMatchObject([{ reason: 'notice-refused', letters: 1, readings: 0 }])
  })

  it('state again at the own broker what actuators were told', async () => {
    const spool = await spoolOf()
    const published: Message[] = []
    const publish = (message: Message) => {
      published.push(message)
      return Promise.resolve()
    }
    const channels = [{ type: 'mqtt', name: 'fans' }]
    const first = await notifierOf(spool, { channels, publish })
    const [on, off] = ['on', 'off'].map((device) => alertOf({ device }))
    await give(first, spool, on!, off!)
    await until(() => published.length === 2)
    await give(first, spool, cleared(off!))
    await until(() => published.length === 3 && statusOf(first, 'fans').waiting === 0)
    await first.stop()
    published.length = 0
    await notifierOf(spool, { channels, publish })
    await until(() => published.length === 2)
    const states = published.map(({ topic, body, retain, qos }) => {
      const { state } = JSON.parse(Buffer.from(body).toString()) as { state: string }
      return `${topic} ${state} ${retain} ${qos}`
    })
    expect(states.sort()).toEqual([
      'millrace/v1/s/alerts/warm/off/temperature cleared true 1',
      'millrace/v1/s/alerts/warm/on/temperature active true 1',
    ])
  })

  it('keep silences and acknowledgements', async () => {
    const spool = await spoolOf()
    const settings = {
      silences: [{ match: { site: 'x' }, from: '2026-03-01T00:00:00Z', until: '2026-03-09T00:00:00+01:00' }],
    }
    const first = await notifierOf(spool, { settings })
    const silence = { match: { device: 'd*' }, fromMs: t0 - 1, untilMs: t0 + 3_600_000, by: 'me', reason: 'defrost' }
    const { id } = await first.addSilence(silence)
    await first.addSilence({ ...silence, fromMs: t0 - 2, untilMs: t0 - 1 })
    const acknowledgement = { by: 'me', atMs: t0, note: 'on my way' }
    await first.acknowledge('never/planned', acknowledgement)
    await first.stop()
    const second = await notifierOf(spool, { settings })
    expect(second.silences().map((one) => one.id)).toEqual(['config-1', id])
    expect(second.silencedBy(alertOf())).toBe(id)
    expect(second.silencedBy(alertOf({ device: 'e' }))).toBeNull()
    expect(second.acknowledgement('never/planned')).toEqual(acknowledgement)
    expect(await second.removeSilence('config-1')).toBe(false)
    expect(await second.removeSilence(id)).toBe(true)
    expect(await second.removeSilence(id)).toBe(false)
    await second.acknowledge('never/planned', null)
    expect(second.acknowledgement('never/planned')).toBeNull()
  })
})

describe('opening', () => {
  it('without a channel costs the caller nothing', async () => {
    const spool = await spoolOf()
    const notifier = await notifierOf(spool)
    expect(notifier.plan([alertOf()]).statements).toEqual([])
    expect(notifier.status()).toEqual([])
  })

  it('names what is wrong in the settings', async () => {
    const channels = [
      { type: 'webhook', name: 'a' },
      { type: 'mail', name: 'b' },
      { type: 'log', name: 'c', match: { severty: 'info' } },
    ]
    const check = () => checkConfig({ channels, quietHours: [{ from: '25:00', to: '6' }] }, notifySchema, 'a test')
    expect(check).toThrow(UsageError)
    const problems = ((): unknown => {
      try {
        return check()
      } catch (error) {
        return (error as UsageError).problems.map(({ path }) => path)
      }
    })()
    expect(problems).toEqual(
      expect.arrayContaining([
        'channels[0].url',
        'channels[1].type',
        'channels[2].match.severty',
        'quietHours[0].from',
      ]),
    )
    const spool = await spoolOf()
    await expect(notifierOf(spool, { channels: [{ type: 'mqtt', name: 'fans' }] })).rejects.toBeInstanceOf(UsageError)
  })

  it('stops without start, and twice', async () => {
    const spool = await spoolOf()
    const config = checkConfig({}, notifySchema, 'a test')
    const notifier = await openNotifier({ config, spool, clock, log, evaluator: 'ingest' })
    await notifier.stop()
    await notifier.stop()
    notifier.start()
  })
})
