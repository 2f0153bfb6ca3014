import { recordingLogger, until } from '@millrace/pipeline/testing'
import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { closeRaws, connectPacket, publishPacket, Raw } from '../../testing/raw-client.ts'
import { type Broker, type BrokerOptions, createBroker } from './broker.ts'
import { credentialLine, parseCredentials } from './credentials.ts'
import { FrameGuard } from './frame-guard.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  closeRaws()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Setup {
  broker: Broker
  port: number
  /** Topics that reached the gate. */
  gated: string[]
}

async function open(options: Partial<BrokerOptions> = {}): Promise<Setup> {
  const gated: string[] = []
  const gate: BrokerOptions['gate'] = ({ message, release }) => {
    gated.push(message.topic)
    release()
  }
  const broker = await createBroker({ host: '127.0.0.1', port: 0, gate, ...options })
  cleanups.push(() => broker.close())
  const { port } = await broker.listen()
  return { broker, port, gated }
}

describe('the packet limit', () => {
  it('ends a connection at the declared length, before anything of the packet is buffered', async () => {
    const { broker, port, gated } = await open()
    const raw = await new Raw(port).login()
    const before = process.memoryUsage.rss()
    // PUBLISH that declares 256 MB, and 16 MiB of it.
    raw.socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    for (let n = 0; n < 256 && !raw.closed; n++) {
      raw.socket.write(Buffer.alloc(65_536))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => raw.closed)
    expect(broker.denials()).toEqual({ 'packet-too-large': 1 })
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
    expect(gated).toEqual([])
  })

  it('is 16 KiB for a CONNECT, as nobody has signed in before it', async () => {
    const { broker, port } = await open()
    const will = { topic: 'telemetry/s/d', payload: Buffer.alloc(17_000), qos: 0, retain: false }
    const raw = new Raw(port).send(connectPacket({ will }))
    await until(() => raw.closed)
    expect(broker.denials()).toEqual({ 'packet-too-large': 1 })
    await new Raw(port).login({ will: { ...will, payload: Buffer.alloc(15_000) } })
  })

  it('lets a payload of 256 KiB pass', async () => {
    const { port, gated } = await open()
    const raw = await new Raw(port).login()
    raw.send(publishPacket('telemetry/s/d', { payload: Buffer.alloc(256 * 1024) }))
    await until(() => gated.length === 1)
  })

  it('follows packets however their bytes are cut', () => {
    const lengths = fc.array(fc.nat(400), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(lengths, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sizes, cuts) => {
        const varint = (size: number): number[] => (size < 128 ? [size] : [(size & 127) | 128, size >> 7])
        const bytes = Buffer.concat(
          sizes.map((size) => Buffer.from([0x10, ...varint(size), ...Buffer.alloc(size, 0xff)])),
        )
        const guard = new FrameGuard(300)
        let refused: string | undefined
        for (let at = 0, n = 0; at < bytes.length && !refused; n++) {
          const size = cuts[n % cuts.length]!
          refused = guard.check(bytes.subarray(at, at + size))
          at += size
        }
        expect(refused).toBe(sizes.some((size) => size > 300) ? 'packet-too-large' : undefined)
      }),
    )
  })
})

describe('connections', () => {
  it('that do not begin with a CONNECT are ended at the first byte', async () => {
    const { broker, port } = await open()
    const raw = new Raw(port)
    raw.socket.write('GET / HTTP/1.1\r\n\r\n')
    await until(() => raw.closed)
    expect(broker.denials()).toEqual({ 'not-mqtt': 1 })
  })

  it('that send their CONNECT slowly or never are ended after the time given, and others stay', async () => {
    const { broker, port, gated } = await open({ limits: { connectTimeoutMs: 600 } })
    const good = await new Raw(port).login()
    const silent = new Raw(port)
    const slow = new Raw(port)
    slow.socket.write(mqttPacket.generate(connectPacket({ clientId: 'slow' })).subarray(0, 9))
    await until(() => silent.closed && slow.closed)
    good.send(publishPacket('telemetry/s/d'))
    await until(() => gated.length === 1)
    expect(broker.connections()).toBe(1)
  })

  it('are limited in number and in rate per address, and those there are stay', async () => {
    const { broker, port } = await open({ limits: { maxConnectionsPerAddress: 3, maxConnectsPerSecond: 20 } })
    const good = await new Raw(port).login()
    const flood = Array.from({ length: 60 }, () => new Raw(port))
    await until(() => flood.filter((raw) => raw.closed).length === 58)
    expect(broker.connections()).toBe(3)
    const { 'too-many-connections': many = 0, 'too-many-connects': fast = 0 } = broker.denials()
    expect(many + fast).toBe(58)
    expect(good.closed).toBe(false)
  })

  it.each([
    ['of MQTT 5', connectPacket({ protocolVersion: 5 }), 'protocol-version'],
    ['without a keepalive', connectPacket({ keepalive: 0 }), 'keepalive'],
    ['that never send their CONNECT', undefined, 'no-connect'],
  ])('%s are refused, counted and told of in the log', async (_name, packet, reason) => {
    const log = recordingLogger()
    const { broker, port } = await open({ log, limits: { connectTimeoutMs: 300 } })
    const raw = new Raw(port)
    if (packet) raw.send(packet)
    await until(() => raw.closed)
    expect(broker.denials()).toEqual({ [reason]: 1 })
    expect(log.lines).toMatchObject([{ message: 'connection not let in', fields: { address: '127.0.0.1' } }])
  })

  it('refused by the hundred write a few lines and their number', async () => {
    const log = recordingLogger()
    const limits = { maxConnectsPerSecond: 1000, maxConnectionsPerAddress: 1000 }
    const credentials = parseCredentials(await credentialLine('d1', 'device', 'right'))
    const { broker, port } = await open({ log, limits, credentials })
    const wrong = connectPacket({ username: 'd1', clientId: 'd1', password: Buffer.from('wrong') })
    const refused = Array.from({ length: 100 }, () => new Raw(port).send(wrong))
    await until(() => refused.every(({ closed }) => closed), { withinMs: 30_000 })
    await broker.close()
    const counted = log.lines.filter(({ message }) => message.endsWith('not listed'))
    const listed = log.lines.length - counted.length
    expect(listed + counted.reduce((sum, { fields }) => sum + Number(fields.count), 0)).toBe(100)
    // Five of each ten seconds that it took on this machine.
    expect(listed).toBe(5 * counted.length)
    const { 'not-authorized': wrongly = 0, 'too-many-failed-logins': unasked = 0 } = broker.denials()
    expect(wrongly + unasked).toBe(100)
    expect(wrongly).toBeLessThan(20)
  })

  it.each([
    ['no keepalive', { keepalive: 0 }],
    ['a keepalive above the limit', { keepalive: 301 }],
    ['a client id beyond the limit', { clientId: 'x'.repeat(300) }],
    ['a will on a reserved topic', { will: { topic: '$SYS/x', payload: Buffer.from('x'), qos: 0, retain: false } }],
    [
      'a will on too deep a topic',
      { will: { topic: 'a/'.repeat(50), payload: Buffer.from('x'), qos: 0, retain: false } },
    ],
  ])('with %s are refused', async (_name, rest) => {
    const { port } = await open()
    const raw = new Raw(port).send(connectPacket(rest))
    await until(() => raw.closed)
    expect(raw.packets.filter((packet) => packet.cmd === 'connack' && packet.returnCode === 0)).toEqual([])
  })
})

describe('topics', () => {
  it.each([
    ['deeper than 8 levels', 'a/b/c/d/e/f/g/h/i'],
    ['of hundreds of levels', '/'.repeat(250)],
    ['longer than 256 bytes', `telemetry/${'x'.repeat(250)}`],
    ['longer than 256 bytes in UTF-8', 'ä'.repeat(129)],
    ['of the broker itself', '$SYS/heartbeat'],
    ['with a wildcard', 'telemetry/+/d'],
  ])('%s end the connection and reach nobody', async (_name, topic) => {
    const { port, gated } = await open()
    const raw = await new Raw(port).login()
    const bytes = mqttPacket.generate(publishPacket('T'.repeat(Buffer.byteLength(topic))))
    Buffer.from(topic).copy(bytes, bytes.indexOf('TT'))
    raw.socket.write(bytes)
    await until(() => raw.closed)
    expect(gated).toEqual([])
  })

  it('of a subscription obey the same limits, and their number is limited', async () => {
    const { port } = await open({ limits: { maxSubscriptionsPerClient: 2 } })
    const raw = await new Raw(port).login()
    const filters = ['a/#', '$SYS/#', 'b/+', 'c', 'x'.repeat(257)]
    const subscriptions = filters.map((topic) => ({ topic, qos: 1 }))
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions } as Packet)
    await until(() => raw.packets.some((packet) => packet.cmd === 'suback'))
    expect(raw.packets.find((packet) => packet.cmd === 'suback')).toMatchObject({ granted: [1, 128, 1, 128, 128] })
  })
})

describe('a subscription that is given up', () => {
  it('makes room for another', async () => {
    const { port } = await open({ limits: { maxSubscriptionsPerClient: 1 } })
    const raw = await new Raw(port).login()
    const acknowledged = (messageId: number) => raw.packets.find((packet) => packet.messageId === messageId)
    for (let n = 0; n < 6; n += 2) {
      const topic = `news/${n}`
      raw.send({ cmd: 'subscribe', messageId: n + 1, subscriptions: [{ topic, qos: 0 }] } as Packet)
      raw.send({ cmd: 'unsubscribe', messageId: n + 2, unsubscriptions: [topic] } as Packet)
      await until(() => acknowledged(n + 2))
      expect(acknowledged(n + 1)).toMatchObject({ granted: [0] })
    }
  })
})

describe('names of Object.prototype', () => {
  it.each(['__proto__', 'constructor', 'toString'])('%s as client id and topic do no harm', async (name) => {
    const { port, gated } = await open()
    const raw = await new Raw(port).login({ clientId: name })
    raw.send(
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: name, qos: 1 }] } as Packet,
      publishPacket(name, { qos: 1, messageId: 2 }),
      { cmd: 'unsubscribe', messageId: 3, unsubscriptions: [name] } as Packet,
    )
    await until(() => raw.packets.some((packet) => packet.cmd === 'unsuback'))
    expect(gated).toEqual([name])
  })
})

describe('the gate', () => {
  it('sees retained messages and wills, and keeps none for later subscribers', async () => {
    const { port, gated } = await open()
    const will = { topic: 'telemetry/s/will', payload: Buffer.from('x'), qos: 1, retain: true }
    const raw = await new Raw(port).login({ will })
    raw.send(publishPacket('telemetry/s/kept', { retain: true, qos: 1, messageId: 1 }))
    await until(() => raw.packets.some((packet) => packet.cmd === 'puback'))
    raw.socket.destroy()
    await until(() => gated.length === 2)
    expect(gated).toEqual(['telemetry/s/kept', 'telemetry/s/will'])
    const late = await new Raw(port).login({ clientId: 'late' })
    late.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] } as Packet)
    await until(() => late.packets.some((packet) => packet.cmd === 'suback'))
    late.send({ cmd: 'pingreq' } as Packet)
    await until(() => late.packets.some((packet) => packet.cmd === 'pingresp'))
    expect(late.packets.some((packet) => packet.cmd === 'publish')).toBe(false)
  })

  it('is asked again for a QoS 2 message that is sent again, and bounds those half done', async () => {
    const { port, gated } = await open({ limits: { maxInflightQos2: 2 } })
    const raw = await new Raw(port).login()
    const qos2 = (messageId: number): Packet => publishPacket('telemetry/s/d', { qos: 2, messageId })
    raw.send(qos2(1), qos2(1))
    await until(() => raw.packets.filter((packet) => packet.cmd === 'pubrec').length === 2)
    expect(gated.length).toBe(2)
    raw.send(qos2(2), qos2(3))
    await until(() => raw.closed)
  })
})

describe('with credentials', () => {
  async function openSecured(): Promise<Setup> {
    const lines = await Promise.all([credentialLine('d1', 'device', 's1'), credentialLine('ops', 'service', 's2')])
    return open({ credentials: parseCredentials(lines.join('\n')) })
  }
  const as = (username: string, password: string, clientId = username): object => ({
    username,
    password: Buffer.from(password),
    clientId,
  })

  it.each([
    ['a wrong secret', as('d1', 's2')],
    ['an unknown user', as('x', 's1')],
    ['no user', {}],
    ['the client id of another user', as('d1', 's1', 'ops')],
  ])('%s is refused', async (_name, rest) => {
    const { port } = await openSecured()
    const raw = await new Raw(port).login(rest)
    expect(raw.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 5 })
  })

  it.each([
    ['d1', 's1', 'telemetry/site/d1', true],
    ['d1', 's1', 'telemetry/site/d1/temperature', true],
    ['d1', 's1', 'telemetry/site/d2', false],
    ['d1', 's1', 'millrace/v1/site/agent/receipt', false],
    ['ops', 's2', 'millrace/v1/site/agent/receipt', true],
  ] as const)('%s may publish its own telemetry alone, a service anything', async (...[user, secret, topic, may]) => {
    const { port, gated } = await openSecured()
    const raw = await new Raw(port).login(as(user, secret))
    raw.send(publishPacket(topic, { qos: 1, messageId: 1 }))
    await until(() => raw.closed || raw.packets.some((packet) => packet.cmd === 'puback'))
    expect(gated).toEqual(may ? [topic] : [])
  })

  it('a device may listen to its own commands and to nothing else', async () => {
    const { port } = await openSecured()
    const raw = await new Raw(port).login(as('d1', 's1'))
    const other = ['telemetry/#', 'commands/#', 'commands/+/+', 'commands/hall/d2', 'commands/hall/d1/x']
    const subscriptions = [...other, 'commands/hall/d1', 'commands/+/d1'].map((topic) => ({ topic, qos: 0 }))
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions } as Packet)
    await until(() => raw.packets.some((packet) => packet.cmd === 'suback'))
    expect(raw.packets.at(-1)).toMatchObject({ granted: [...other.map(() => 128), 0, 0] })
  })

  it('a file with a bad line is refused by its number, without its content', () => {
    expect(() => parseCredentials('# devices\nd1:device:AAAA:BBBB')).toThrow(/^line 2 is not of the form/)
  })
})
