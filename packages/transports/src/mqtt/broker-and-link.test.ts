import { connect } from 'node:net'
import { type Message, MillraceError, silentLogger, UsageError } from '@millrace/pipeline'
import { until } from '@millrace/pipeline/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { type Broker, type BrokerOptions, createBroker } from './broker.ts'
import { createMqttLink, type LinkOptions, type MqttLink } from './link.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

async function openBroker(
  options: Partial<BrokerOptions> = {},
): Promise<{ broker: Broker; port: number; url: string }> {
  const broker = await createBroker({ host: '127.0.0.1', port: 0, ...options })
  stops.push(() => broker.close())
  const { port } = await broker.listen()
  return { broker, port, url: `mqtt://127.0.0.1:${port}` }
}

async function openLink(url: string, options: Partial<LinkOptions> = {}): Promise<MqttLink> {
  const link = createMqttLink({ url, clientId: `c-${Math.random().toString(36).slice(2)}`, ...options })
  stops.push(() => link.stop())
  await link.start()
  return link
}

const text = (message: Message): string => Buffer.from(message.body).toString()
const message = (topic: string, body: string, rest: Partial<Message> = {}): Message => ({
  topic,
  body: Buffer.from(body),
  ...rest,
})

describe('a link and a broker', () => {
  it('carry messages to subscribers in order, retained ones to later subscribers too', async () => {
    const { url } = await openBroker()
    const receiver = await openLink(url)
    const seen: string[] = []
    let ready = false
    receiver.onConnect(() => {
      ready = true
    })
    receiver.subscribe(['a/+'], (m) => seen.push(text(m)))
    await until(() => ready)
    const sender = await openLink(url)
    await Promise.all(['1', '2', '3'].map((body) => sender.publish(message('a/b', body))))
    await sender.publish(message('r/x', 'kept', { retain: true }))
    await until(() => seen.length === 3)
    expect(seen).toEqual(['1', '2', '3'])
    const late: Message[] = []
    receiver.subscribe(['r/#'], (m) => late.push(m))
    await until(() => late.length === 1)
    expect(late[0]).toMatchObject({ topic: 'r/x', retain: true })
  })

  it('where another has its id: say so, and take turns seldom', async () => {
    const { url } = await openBroker()
    const links = [await openLink(url, { clientId: 'one-name' }), await openLink(url, { clientId: 'one-name' })]
    let connections = 0
    for (const link of links) link.onConnect(() => connections++)
    const told = () => links.some(({ lastError }) => lastError?.includes('another program may use this client id'))
    await until(told, { withinMs: 60_000 })
    const before = connections
    await until(() => connections > before, { withinMs: 60_000 })
    expect(connections).toBeLessThan(30)
  }, 120_000)

  it('send what was published before the broker was there, and again what it never acknowledged', async () => {
    const { broker, port, url } = await openBroker()
    await broker.close()
    const sender = await openLink(url, { maxOutstanding: 10 })
    const done = Promise.all(Array.from({ length: 50 }, (_, n) => sender.publish(message('t/x', String(n)))))
    await until(() => sender.lastError === 'ECONNREFUSED')
    const held: string[] = []
    const { broker: silent } = await openBroker({ port, gate: ({ message: m }) => void held.push(text(m)) })
    await until(() => held.length === 10)
    expect(sender.outstanding).toBe(50)
    await silent.close()
    const taken: string[] = []
    const gate: BrokerOptions['gate'] = ({ message: m, release }) => {
      taken.push(text(m))
      release()
    }
    await openBroker({ port, gate })
    await done
    expect(sender.outstanding).toBe(0)
    expect(taken).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
  })

  it('send the will of a client that vanishes, and none of one that says goodbye', async () => {
    const seen: string[] = []
    const gate: BrokerOptions['gate'] = ({ message: m, release }) => {
      seen.push(`${m.topic} ${text(m)}`)
      release()
    }
    const { broker, url } = await openBroker({ gate })
    const polite = await openLink(url, { will: message('w/polite', 'gone') })
    await until(() => polite.connected)
    await polite.stop()
    await until(() => broker.connections() === 0)
    const { connect } = await import('mqtt')
    const client = connect(url, { will: { topic: 'w/abrupt', payload: Buffer.from('gone'), qos: 1, retain: true } })
    await new Promise((resolve) => client.once('connect', resolve))
    client.stream.destroy()
    client.end(true)
    await until(() => seen.length > 0)
    expect(seen).toEqual(['w/abrupt gone'])
  })

  it('subscribe again after the broker was away, before onConnect is told', async () => {
    const { broker, port, url } = await openBroker()
    const receiver = await openLink(url)
    const seen: string[] = []
    let connects = 0
    receiver.onConnect(() => {
      connects++
      // Only a subscription that is in force brings this back.
      receiver.publish(message('echo', String(connects))).catch(() => undefined)
    })
    receiver.subscribe(['echo'], (m) => seen.push(text(m)))
    await until(() => seen.length === 1)
    await broker.close()
    await until(() => !receiver.connected)
    await openBroker({ port })
    await until(() => seen.length === 2)
    expect([seen, connects]).toEqual([['1', '2'], 2])
  })

  it('log the end of a connection once, however much was on its way to it', async () => {
    const ends: string[] = []
    const log = { ...silentLogger, info: (_fields: object, text: string) => void ends.push(text) }
    const releases: (() => void)[] = []
    const { broker, port } = await openBroker({ log, gate: ({ release }) => void releases.push(release) })
    const client = connect(port, '127.0.0.1')
    client.on('error', () => undefined)
    client.write(Buffer.from([0x10, 13, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60, 0, 1, 0x78]))
    // Five PUBLISH of QoS 1, none of which is acknowledged before the client dies.
    for (let id = 1; id <= 5; id++) client.write(Buffer.from([0x32, 6, 0, 1, 0x74, 0, id, 0x78]))
    await until(() => releases.length === 5)
    client.resetAndDestroy()
    await until(() => broker.connections() === 0)
    for (const release of releases) release()
    await until(() => ends.includes('connection ended'))
    await new Promise((resolve) => setImmediate(resolve))
    expect(ends.filter((text) => text === 'connection ended')).toHaveLength(1)
  })

  it('give up what is outstanding when the link stops', async () => {
    const { url } = await openBroker({ gate: () => undefined })
    const sender = await openLink(url)
    const sent = sender.publish(message('t', 'x'))
    await until(() => sender.connected)
    await sender.stop()
    await expect(sent).rejects.toThrow('before the broker acknowledged')
  })

  it('refuse QoS 0 while there is no connection instead of losing it silently', async () => {
    const link = createMqttLink({ url: 'mqtt://127.0.0.1:9', clientId: 'x' })
    await expect(link.publish(message('t', 'x', { qos: 0 }))).rejects.toThrow('QoS 0')
    await link.stop()
    await link.stop()
  })
})

describe('createBroker', () => {
  it('refuses an open address without credentials, and names a port that is taken', async () => {
    await expect(createBroker({ host: '0.0.0.0', port: 0 })).rejects.toThrow(UsageError)
    const { port } = await openBroker()
    const second = await createBroker({ host: '127.0.0.1', port, setting: '--mqtt-port' })
    stops.push(() => second.close())
    const error = await second.listen().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({ code: 'port-taken', hint: expect.stringContaining('--mqtt-port') })
  })
})
