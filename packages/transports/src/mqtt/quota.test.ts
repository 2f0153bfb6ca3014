import { until } from '@millrace/pipeline/testing'
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { closeRaws, publishPacket, Raw } from '../../testing/raw-client.ts'
import { type Broker, type BrokerOptions, createBroker } from './broker.ts'
import { credentialLine, parseCredentials } from './credentials.ts'
import { Quota, quotaSchema } from './quota.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  closeRaws()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Five messages at once, then two a second. */
const tight = { messagesPerSecond: 2, burst: 5, when: 'always' } as const

async function open(options: Partial<BrokerOptions> = {}): Promise<{ broker: Broker; port: number; taken: string[] }> {
  const taken: string[] = []
  const broker = await createBroker({
    ...{ host: '127.0.0.1', port: 0, quota: tight },
    gate: ({ message, release }) => {
      taken.push(message.topic)
      release()
    },
    ...options,
  })
  cleanups.push(() => broker.close())
  const { port } = await broker.listen()
  return { broker, port, taken }
}

const pubacks = ({ packets }: Raw): number => packets.filter(({ cmd }) => cmd === 'puback').length
const publishes = (count: number, topic: (n: number) => string): Packet[] =>
  Array.from({ length: count }, (_, n) =>
    publishPacket(topic(n), { qos: 1, messageId: n + 1, payload: 'x'.repeat(80) }),
  )

describe('a device over its quota', () => {
  it('is left unread for a while, all of it is taken in the end, and others are not kept waiting', async () => {
    const quota = { messagesPerSecond: 50, burst: 50, when: 'always' } as const
    const { broker, port, taken } = await open({ quota })
    const loud = await new Raw(port).login({ clientId: 'loud' })
    const quiet = await new Raw(port).login({ clientId: 'quiet' })
    loud.send(...publishes(2_000, () => 'telemetry/s/loud'))
    await until(() => broker.quota().pauses > 0)
    expect(broker.quota().waiting).toEqual(['s/loud'])
    quiet.send(...publishes(10, () => 'telemetry/s/quiet'))
    await until(() => pubacks(quiet) === 10)
    expect(taken.filter((topic) => topic.endsWith('loud')).length).toBeLessThan(2_000)
    expect(loud.closed).toBe(false)
  })

  it('loses nothing and keeps its order', async () => {
    const { port, taken } = await open({ quota: { messagesPerSecond: 5_000, burst: 20, when: 'always' } })
    const loud = await new Raw(port).login()
    loud.send(...publishes(8_000, (n) => `telemetry/s/d/${n}`))
    await until(() => pubacks(loud) === 8_000, { withinMs: 30_000 })
    expect(taken).toEqual(Array.from({ length: 8_000 }, (_, n) => `telemetry/s/d/${n}`))
  })
})

describe('what counts as one device', () => {
  it('is the one that the topic names: a connection that speaks for a hundred may send the quota of each', async () => {
    const quota = { messagesPerSecond: 20, burst: 20, when: 'always' } as const
    const { broker, port } = await open({ quota })
    const gateway = await new Raw(port).login()
    gateway.send(...publishes(1_000, (n) => `telemetry/s/d${n % 100}`))
    await until(() => pubacks(gateway) === 1_000)
    expect(broker.quota().pauses).toBe(0)
    gateway.send(...publishes(1_000, () => 'telemetry/s/d7'))
    await until(() => broker.quota().waiting.length > 0)
    expect(broker.quota().waiting).toEqual(['s/d7'])
  })

  it('is the user where a device signed in: neither more topics nor more connections make more of it', async () => {
    const credentials = parseCredentials(await credentialLine('d1', 'device', 'right'))
    const { broker, port, taken } = await open({ quota: { ...tight, burst: 100 }, credentials })
    const login = (n: number) =>
      new Raw(port).login({ username: 'd1', password: Buffer.from('right'), clientId: `d1/${n}` })
    const connections = [await login(1), await login(2), await login(3)]
    for (const raw of connections) raw.send(...publishes(60, (n) => `telemetry/s${n}/d1`))
    await until(() => broker.quota().waiting.length > 0)
    expect(broker.quota().waiting).toEqual(['d1'])
    expect(taken.length).toBeLessThanOrEqual(180)
    expect(new Set(connections.map(({ closed }) => closed))).toEqual(new Set([false]))
  })

  it('stays the same after a new connection', async () => {
    const { broker, port } = await open({ quota: { messagesPerSecond: 1, burst: 50, when: 'always' } })
    const first = await new Raw(port).login({ clientId: 'again' })
    first.send(...publishes(50, () => 'telemetry/s/d'))
    await until(() => pubacks(first) === 50)
    first.socket.destroy()
    const second = await new Raw(port).login({ clientId: 'again' })
    second.send(...publishes(200, () => 'telemetry/s/d'))
    await until(() => broker.quota().pauses > 0)
    expect(pubacks(second)).toBeLessThan(200)
  })
})

describe('a connection that is kept waiting', () => {
  it('is read at least every half keepalive, so that neither side takes it for dead', async () => {
    const { broker, port } = await open({ quota: { messagesPerSecond: 1, burst: 1, when: 'always' } })
    const raw = await new Raw(port).login({ keepalive: 1 })
    raw.send(...publishes(3_000, () => 'telemetry/s/d'))
    await until(() => broker.quota().pauses >= 5)
    expect(raw.closed).toBe(false)
    expect(broker.quota().pausedMs / broker.quota().pauses).toBeLessThanOrEqual(500)
  })

  it('gets a message through that is larger than what is read of it at once', async () => {
    const { broker, port, taken } = await open({ quota: { messagesPerSecond: 2_000, burst: 1, when: 'always' } })
    const raw = await new Raw(port).login()
    const large = publishPacket('telemetry/s/d', { qos: 1, messageId: 3_001, payload: 'x'.repeat(40_000) })
    raw.send(...publishes(3_000, () => 'telemetry/s/d'), large)
    await until(() => taken.length === 3_001)
    expect(broker.quota().pauses).toBeGreaterThan(0)
  })
})

describe('a quota that holds only while others are harmed', () => {
  const settings = quotaSchema.parse({ messagesPerSecond: 10, burst: 100 })

  function talk(): { quota: Quota; at(nowMs: number, name: string, messages: number): boolean } {
    let clockMs = 0
    const quota = new Quota(settings, () => clockMs)
    const at = (nowMs: number, name: string, messages: number): boolean => {
      clockMs = nowMs
      const bucket = quota.ofUser(name)
      quota.refill(bucket, nowMs)
      quota.charge(bucket, messages)
      quota.publishes(bucket)
      return bucket.level < 0 && quota.enforced(bucket)
    }
    return { quota, at }
  }

  it('keeps nobody back who is alone, or among others who send as much', () => {
    const { at } = talk()
    for (let ms = 0; ms < 60_000; ms += 100) {
      expect([at(ms, 'a', 500), at(ms, 'b', 500)]).toEqual([false, false])
    }
  })

  it('keeps a flood back as soon as somebody else sends little, and forgives what went before', () => {
    const { quota, at } = talk()
    for (let ms = 0; ms < 10_000; ms += 100) at(ms, 'flood', 500)
    at(10_000, 'modest', 1)
    expect(at(10_050, 'flood', 500)).toBe(true)
    expect(quota.waitMs(quota.ofUser('flood'))).toBeLessThanOrEqual(5_000)
    expect(at(12_000, 'flood', 500)).toBe(false)
  })

  it('lets the default pass a day of a simulated past at one reading a second, beside a quiet device', () => {
    let clockMs = 0
    const quota = new Quota(quotaSchema.parse({}), () => clockMs)
    let kept = 0
    // 86,400 messages at 2,000 a second, which is what one of 30 devices gets of a busy agent.
    for (let sent = 0; sent < 86_400; sent += 200, clockMs += 100) {
      for (const [name, count] of [['past', 200] as const, ['quiet', 1] as const]) {
        const bucket = quota.ofClient(name)
        quota.refill(bucket, clockMs)
        quota.charge(bucket, count)
        quota.publishes(bucket)
        if (bucket.level < quota.calm && quota.enforced(bucket)) kept++
      }
    }
    expect(kept).toBe(0)
  })

  it('remembers nobody who has been quiet for long', () => {
    const { quota, at } = talk()
    for (let n = 0; n < 1_000; n++) at(n, `d${n}`, 1)
    const before = quota.ofUser('d1')
    quota.sweep(60_000)
    expect(quota.ofUser('d1')).not.toBe(before)
  })
})
