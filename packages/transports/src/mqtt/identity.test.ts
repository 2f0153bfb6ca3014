import { until } from '@millrace/pipeline/testing'
import type { Packet } from 'mqtt-packet'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { closeRaws, connectPacket, publishPacket, Raw } from '../../testing/raw-client.ts'
import { type Broker, createBroker } from './broker.ts'
import { type Credentials, credentialLine, parseCredentials, type Role } from './credentials.ts'

const identities: Record<string, Role> = { d1: 'device', d2: 'device', '+': 'device', ops: 'service' }
const names = Object.keys(identities)

/** Who may publish there beside a service; `nobody`: not even that. */
const publishTopics: Record<string, readonly string[] | 'nobody'> = {
  'telemetry/s/d1': ['d1'],
  'telemetry/s/d1/temperature': ['d1'],
  'telemetry/other/d1': ['d1'],
  'telemetry/s/d2': ['d2'],
  'telemetry/s/d2/temperature': ['d2'],
  'telemetry/s': [],
  telemetry: [],
  'telemetry/d1/s': [],
  'telemetry/s/D1': [],
  'telemetry/s/d1 ': [],
  'telemetry/s/d10': [],
  'telemetry//d1': ['d1'],
  'telemetry/s//d1': [],
  '/telemetry/s/d1': [],
  'Telemetry/s/d1': [],
  'telemetry/s/d3': [],
  'commands/s/d1': [],
  'commands/s/d2': [],
  'alerts/s/rule': [],
  'millrace/v1/s/agent/summaries': [],
  'millrace/v1/s/agent/receipt': [],
  'millrace/v1/s/agent/config': [],
  d1: [],
  'a/b': [],
  __proto__: [],
  constructor: [],
  'telemetry/__proto__/d1': ['d1'],
  '$SYS/broker/uptime': 'nobody',
  '$share/g/telemetry/s/d1': 'nobody',
  'a/b/c/d/e/f/g/h/i': 'nobody',
}

const filters: Record<string, readonly string[] | 'nobody'> = {
  '#': [],
  '+': [],
  '+/+/+': [],
  'telemetry/#': [],
  'telemetry/+/d1': [],
  'telemetry/s/d1': [],
  'telemetry/s/d2': [],
  'commands/#': [],
  'commands/+/+': [],
  'commands/+/#': [],
  'commands/s/#': [],
  'commands/s/+': [],
  'commands/s/d1': ['d1'],
  'commands/+/d1': ['d1'],
  'commands/s/d2': ['d2'],
  'commands/+/d2': ['d2'],
  'commands/s/d1/x': [],
  'commands/d1': [],
  '+/s/d1': [],
  'alerts/#': [],
  'millrace/#': [],
  'millrace/v1/+/+/receipt': [],
  d1: [],
  __proto__: [],
  'a/+/c': [],
  '+/d1': [],
  '$SYS/#': 'nobody',
  '$SYS/+/new/clients': 'nobody',
  '$share/g/telemetry/#': 'nobody',
  'a/b/c/d/e/f/g/h/i': 'nobody',
}

function may(rule: readonly string[] | 'nobody', identity: string): boolean {
  return rule !== 'nobody' && (identities[identity] === 'service' || rule.includes(identity))
}

let credentials: Credentials
let broker: Broker
let port: number
let gated: string[]
beforeAll(async () => {
  const lines = await Promise.all(names.map((name) => credentialLine(name, identities[name]!, `secret of ${name}`)))
  credentials = parseCredentials(lines.join('\n'))
})
beforeEach(async () => {
  gated = []
  broker = await createBroker({
    ...{ host: '127.0.0.1', port: 0, credentials },
    limits: { maxConnectsPerSecond: 10_000 },
    gate: ({ message, release }) => {
      gated.push(message.topic)
      release()
    },
  })
  port = (await broker.listen()).port
})
afterEach(async () => {
  closeRaws()
  await broker.close()
})

let session = 0
const as = (name: string, rest: object = {}): object => ({
  username: name,
  password: Buffer.from(`secret of ${name}`),
  clientId: `${name}/${session++}`,
  ...rest,
})

const has = (raw: Raw, cmd: string): boolean => raw.packets.some((packet) => packet.cmd === cmd)
const allowed = (name: string): string[] =>
  Object.keys(publishTopics).filter((topic) => may(publishTopics[topic]!, name))

describe.each(names)('%s, with credentials in force', (name) => {
  it.each([false, true])('publishes where it may and nowhere else (retain %s)', async (retain) => {
    const witness = await new Raw(port).login(as('ops'))
    witness.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] } as Packet)
    await until(() => has(witness, 'suback'))
    await Promise.all(
      Object.keys(publishTopics).map(async (topic) => {
        const raw = await new Raw(port).login(as(name))
        raw.send(publishPacket(topic, { qos: 1, messageId: 1, retain }))
        await until(() => raw.closed || has(raw, 'puback'))
        expect([topic, raw.closed]).toEqual([topic, !may(publishTopics[topic]!, name)])
      }),
    )
    const reached = () => witness.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : []))
    await until(() => reached().length >= allowed(name).length)
    expect(gated.toSorted()).toEqual(allowed(name).toSorted())
    expect(reached().toSorted()).toEqual(allowed(name).toSorted())
    const denied = Object.values(broker.denials()).reduce((sum, count) => sum + count, 0)
    expect(denied).toBe(Object.keys(publishTopics).length - allowed(name).length)
  })

  it('leaves a will where it may and nowhere else', async () => {
    const willed = await Promise.all(
      Object.keys(publishTopics).map(async (topic) => {
        const will = { topic, payload: Buffer.from('x'), qos: 1, retain: true }
        const raw = new Raw(port).send(connectPacket(as(name, { will })))
        await until(() => raw.closed || has(raw, 'connack'))
        return raw
      }),
    )
    for (const raw of willed) raw.socket.destroy()
    await until(() => broker.connections() === 0)
    await until(() => gated.length >= allowed(name).length)
    expect(gated.toSorted()).toEqual(allowed(name).toSorted())
  })

  it('listens where it may and nowhere else', async () => {
    const raw = await new Raw(port).login(as(name))
    const asked = Object.keys(filters)
    const subscriptions = asked.map((topic) => ({ topic, qos: 0 }))
    raw.send({ cmd: 'subscribe', messageId: 1, subscriptions } as Packet)
    await until(() => has(raw, 'suback'))
    const expected = asked.map((filter) => [filter, may(filters[filter]!, name) ? 0 : 128])
    const granted = (raw.packets.at(-1) as { granted: number[] }).granted
    expect(asked.map((filter, at) => [filter, granted[at]])).toEqual(expected)
  })
})

describe('whoever has no credentials', () => {
  it.each([
    ['no user at all', {}],
    ['the user without a password', { username: 'd1' }],
    ['the password of another', { username: 'd1', password: Buffer.from('secret of d2') }],
    ['a name of Object.prototype', { username: '__proto__', password: Buffer.from('x') }],
  ])('is refused with %s, its will too', async (_name, rest) => {
    const will = { topic: 'telemetry/s/d1', payload: Buffer.from('x'), qos: 1, retain: true }
    const raw = new Raw(port).send(connectPacket({ clientId: 'd1', will, ...rest }))
    raw.send(publishPacket('telemetry/s/d1', { qos: 1, messageId: 1 }))
    await until(() => raw.closed)
    expect(raw.packets.map((packet) => packet.cmd === 'connack' && packet.returnCode)).toEqual([5])
    expect(gated).toEqual([])
  })
})

describe('a client id', () => {
  it.each(['d1', 'd1/7', 'ops', 'aedes_0d1'])('%s cannot be taken over by another user', async (clientId) => {
    const owner = clientId.startsWith('d1') ? 'd1' : 'ops'
    const first = clientId.startsWith('aedes')
      ? await new Raw(port).login(as('ops', { clientId: '' }))
      : await new Raw(port).login(as(owner, { clientId }))
    const thief = await new Raw(port).login(as('d2', { clientId }))
    await until(() => thief.closed)
    expect(thief.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 5 })
    first.send({ cmd: 'pingreq' } as Packet)
    await until(() => has(first, 'pingresp'))
    expect(first.closed).toBe(false)
  })

  it('of its own user is taken over by a new connection, which ends the former', async () => {
    const first = await new Raw(port).login(as('d1', { clientId: 'd1' }))
    const second = await new Raw(port).login(as('d1', { clientId: 'd1' }))
    await until(() => first.closed)
    second.send({ cmd: 'pingreq' } as Packet)
    await until(() => has(second, 'pingresp'))
  })
})
