import { until } from '@millrace/pipeline/testing'
import fc from 'fast-check'
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { closeRaws, connectPacket, publishPacket, Raw } from '../../testing/raw-client.ts'
import { type Broker, type BrokerOptions, createBroker } from './broker.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  closeRaws()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(options: Partial<BrokerOptions> = {}): Promise<{ broker: Broker; port: number; gated: string[] }> {
  const gated: string[] = []
  const broker = await createBroker({
    ...{ host: '127.0.0.1', port: 0 },
    gate: ({ message, release }) => {
      gated.push(message.topic)
      release()
    },
    ...options,
  })
  cleanups.push(() => broker.close())
  return { broker, port: (await broker.listen()).port, gated }
}

const count = (raw: Raw, cmd: string): number => raw.packets.filter((packet) => packet.cmd === cmd).length

/** A device that was there before, and is answered whatever happens. */
class Resident {
  readonly raw: Raw
  #sent = 0

  private constructor(raw: Raw) {
    this.raw = raw
  }

  static async at(port: number): Promise<Resident> {
    return new Resident(await new Raw(port).login({ clientId: 'resident' }))
  }

  async isServed(): Promise<void> {
    const messageId = ++this.#sent
    this.raw.send(publishPacket('telemetry/s/resident', { qos: 1, messageId }))
    await until(() => count(this.raw, 'puback') === messageId, { label: 'a PUBACK for who was there before' })
    expect(this.raw.closed).toBe(false)
  }
}

/** A thousand connections, a hundred at once: more than that and the kernel itself makes them wait. */
async function stormOf(connect: (n: number) => Raw, resident: Resident): Promise<Raw[]> {
  const storm: Raw[] = []
  while (storm.length < 1_000) {
    storm.push(...Array.from({ length: 100 }, (_, n) => connect(storm.length + n)))
    await resident.isServed()
  }
  return storm
}

// Other systems give a machine 127.0.0.1 alone.
describe('a thousand connects', () => {
  it('from one address are refused beyond its share; who was there stays and is served, and so is who comes after', async () => {
    const limits = { maxConnectsPerSecond: 100, maxConnectionsPerAddress: 50, connectTimeoutMs: 120_000 }
    const { broker, port } = await open({ limits })
    const resident = await Resident.at(port)
    const storm = await stormOf(() => new Raw(port), resident)
    await until(() => storm.filter(({ closed }) => closed).length === 951, { withinMs: 60_000 })
    const { 'too-many-connects': fast = 0, 'too-many-connections': many = 0 } = broker.denials()
    expect(fast + many).toBe(951)
    closeAll(storm)
    await until(() => broker.connections() === 1)
    await until(async () => {
      const late = new Raw(port).send(connectPacket({ clientId: 'late' }))
      await until(() => late.closed || count(late, 'connack') === 1)
      return !late.closed
    })
    await resident.isServed()
  })

  it.runIf(process.platform === 'linux')(
    'from many addresses are refused beyond what the broker holds, and who was there stays',
    async () => {
      const { broker, port } = await open({ limits: { maxConnections: 200, connectTimeoutMs: 120_000 } })
      const resident = await Resident.at(port)
      const storm = await stormOf((n) => new Raw(port, '127.0.0.1', `127.0.1.${1 + (n % 250)}`), resident)
      await until(() => storm.filter(({ closed }) => closed).length === 801, { withinMs: 60_000 })
      expect(broker.connections()).toBe(200)
      expect(broker.denials()).toEqual({ 'too-many-connections': 801 })
      await resident.isServed()
    },
  )
})

function closeAll(raws: readonly Raw[]): void {
  for (const { socket } of raws) socket.destroy()
}

describe('a sender that stops', () => {
  it('in the middle of a packet is ended after one and a half keepalives, with nothing of the packet taken', async () => {
    const { broker, port, gated } = await open()
    const slow = await new Raw(port).login({ keepalive: 1 })
    // A PUBLISH of 10,000 bytes, and half of it.
    slow.socket.write(Buffer.from([0x30, 0x90, 0x4e]))
    slow.socket.write(Buffer.alloc(5_000))
    await until(() => slow.closed)
    await until(() => broker.connections() === 0)
    expect(gated).toEqual([])
  })

  it('byte by byte is not served longer for it', async () => {
    const { port, gated } = await open()
    const resident = await Resident.at(port)
    const slow = await new Raw(port).login({ keepalive: 1, clientId: 'slow' })
    slow.socket.write(Buffer.from([0x30, 0x90, 0x4e]))
    await until(() => {
      if (!slow.closed) slow.socket.write(Buffer.alloc(1))
      return slow.closed
    })
    await resident.isServed()
    expect(gated.filter((topic) => topic.endsWith('slow'))).toEqual([])
  })

  it('and says nothing more is ended after one and a half keepalives, and its will is sent', async () => {
    const { broker, port, gated } = await open()
    const will = { topic: 'telemetry/s/gone', payload: Buffer.from('x'), qos: 1, retain: false }
    await new Raw(port).login({ keepalive: 1, will })
    await until(() => broker.connections() === 0)
    expect(gated).toEqual(['telemetry/s/gone'])
  })
})

describe('a subscriber that does not read', () => {
  it('is ended after the time given, and the others get everything', async () => {
    const { broker, port } = await open({ gate: undefined, limits: { drainTimeoutMs: 3_000 } })
    const subscribe = { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'news', qos: 0 }] } as Packet
    const reader = await new Raw(port).login({ clientId: 'reader' })
    const frozen = await new Raw(port).login({ clientId: 'frozen' })
    for (const raw of [reader, frozen]) raw.send(subscribe)
    await until(() => count(reader, 'suback') + count(frozen, 'suback') === 2)
    frozen.socket.pause()
    const body = Buffer.alloc(100_000)
    for (let n = 0; n < 300; n++) void broker.publish({ topic: 'news', body, qos: 0 })
    await until(() => count(reader, 'publish') === 300, { withinMs: 20_000 })
    await until(() => broker.connections() === 1)
  })
})

describe('packets that make no sense', () => {
  const senseless: [string, Packet | Buffer][] = [
    ['a second CONNECT', connectPacket({ clientId: 'again' })],
    ['an acknowledgement of nothing', { cmd: 'puback', messageId: 7 } as Packet],
    ['a PUBREC of nothing', { cmd: 'pubrec', messageId: 7 } as Packet],
    ['a PUBREL of nothing', { cmd: 'pubrel', messageId: 7 } as Packet],
    ['a PUBCOMP of nothing', { cmd: 'pubcomp', messageId: 7 } as Packet],
    ['what only a broker says', { cmd: 'suback', messageId: 7, granted: [0] } as Packet],
    ['a SUBSCRIBE to nothing', Buffer.from([0x82, 2, 0, 1])],
    ['an UNSUBSCRIBE from nothing', Buffer.from([0xa2, 2, 0, 1])],
    ['a PUBLISH of QoS 3', Buffer.from([0x36, 5, 0, 1, 0x61, 0, 1])],
    ['a PUBLISH without a topic', Buffer.from([0x30, 2, 0, 0])],
    ['a topic longer than its packet', Buffer.from([0x30, 4, 0xff, 0xff, 0x61, 0x61])],
    ['an unknown type', Buffer.from([0xf0, 0])],
    ['type zero', Buffer.from([0x00, 0])],
    ['a length without an end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ]

  it('end at most their own connection', async () => {
    const { port } = await open()
    const resident = await Resident.at(port)
    for (const [name, bytes] of senseless) {
      const raw = await new Raw(port).login({ clientId: 'senseless' })
      if (Buffer.isBuffer(bytes)) raw.socket.write(bytes)
      else raw.send(bytes)
      raw.send({ cmd: 'pingreq' } as Packet)
      await until(() => raw.closed || count(raw, 'pingresp') > 0, { label: name })
      await resident.isServed()
    }
  })

  it('of random bytes end at most their own connection', async () => {
    const { port } = await open({ limits: { maxConnectsPerSecond: 10_000 } })
    const resident = await Resident.at(port)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.boolean(), async (bytes, signedIn) => {
        const raw = new Raw(port)
        if (signedIn) await raw.login({ clientId: 'random' })
        raw.socket.end(bytes)
        await until(() => raw.closed)
        await resident.isServed()
      }),
      { numRuns: 60 },
    )
  })
})
