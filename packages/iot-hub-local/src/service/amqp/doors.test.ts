import { connect, type Socket } from 'node:net'
import { EventHubConsumerClient, earliestEventPosition } from '@azure/event-hubs'
import { until } from '@millrace/pipeline/testing'
import rhea, { type AmqpError, type Connection, type EventContext, type Message } from 'rhea'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestHub, type TestHub, telemetry } from '../testing/hub.ts'

const soon = { withinMs: 20_000 }
const closing: (() => void)[] = []

let hub: TestHub
let laterMs = 0

beforeAll(async () => {
  const clock = { now: () => Date.now() + laterMs, monotonic: () => performance.now() }
  hub = await startTestHub({ partitions: 2, clock })
  await hub.core.events.builtIn.append([telemetry('pi-01', 'hello', { partition: { number: 0 } })])
})

afterEach(() => {
  for (const close of closing.splice(0)) close()
  laterMs = 0
})

afterAll(() => hub.stop())

function client(options: object = {}): Connection {
  const container = rhea.create_container()
  container.on('error', () => undefined)
  const connection = container.connect({ host: '127.0.0.1', port: hub.side.amqpPort, reconnect: false, ...options })
  for (const event of ['disconnected', 'error', 'connection_error']) connection.on(event, () => undefined)
  closing.push(() => connection.close())
  return connection
}

function readFirst(connection: Connection, address: string): { messages: Message[]; errors: AmqpError[] } {
  const seen = { messages: [] as Message[], errors: [] as AmqpError[] }
  const receiver = connection.open_receiver({ source: { address }, credit_window: 10 })
  receiver.on('message', ({ message }: EventContext) => seen.messages.push(message!))
  receiver.on('receiver_error', () => seen.errors.push(receiver.error as AmqpError))
  return seen
}

const partition = 'messages/events/ConsumerGroups/$Default/Partitions/0'

describe('who may come in', () => {
  it('a policy and its key as user and password open everything that the policy may', async () => {
    const { name, primaryKey } = hub.core.policies.find((policy) => policy.name === 'service')!
    const seen = readFirst(client({ username: name, password: primaryKey }), partition)
    await until(() => seen.messages.length === 1, soon)
    expect(seen.messages[0]!.message_annotations!['iothub-connection-device-id']).toBe('pi-01')
  })

  it('a wrong password ends the connection', async () => {
    const connection = client({ username: 'service', password: 'wrong' })
    let error = ''
    connection.on('connection_error', (context: EventContext) => {
      error = String(context.error)
    })
    connection.on('disconnected', () => {
      error ||= 'disconnected'
    })
    await until(() => error !== '', soon)
  })

  it('nobody reads without a token, whatever name they give, and is told what is missing', async () => {
    const seen = readFirst(client({ username: 'iothubowner' }), partition)
    await until(() => seen.errors.length === 1, soon)
    expect(seen.errors[0]).toMatchObject({
      condition: 'amqp:unauthorized-access',
      description: expect.stringContaining('it needs a token of a policy with the permission ServiceConnect'),
    })
  })

  it('a link ends when its token has expired', async () => {
    const consumer = new EventHubConsumerClient('$Default', hub.eventHub(), { retryOptions: { maxRetries: 0 } })
    const seen = { events: 0, errors: [] as string[] }
    const subscription = consumer.subscribe(
      '0',
      {
        processEvents: async (events) => {
          seen.events += events.length
        },
        processError: async (error) => {
          seen.errors.push(error.message)
        },
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 5 },
    )
    await until(() => seen.events === 1, soon)
    laterMs = 7_200_000
    await until(() => seen.errors.length > 0, soon)
    expect(seen.errors[0]).toMatch(/expired/)
    await subscription.close()
    await consumer.close()
  })
})

function raw(bytes: Uint8Array): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(hub.side.amqpPort, '127.0.0.1', () => {
      socket.write(bytes)
      resolve(socket)
    })
    socket.on('error', () => undefined)
    socket.resume()
    closing.push(() => socket.destroy())
  })
}

const header = Buffer.from('AMQP\0\x01\0\0', 'latin1')
const saslHeader = Buffer.from('AMQP\x03\x01\0\0', 'latin1')

describe('what is no AMQP', () => {
  it('ends its connection and nothing else', async () => {
    const hostile = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.concat([header, Buffer.from('000000080200000053100000', 'hex'), Buffer.alloc(64, 0xff)]),
      Buffer.concat([saslHeader, Buffer.from('0000000a020100000053', 'hex'), Buffer.alloc(64, 0xd0)]),
      Buffer.concat([header, Buffer.from('0000000c0200000000531600', 'hex')]),
    ]
    const sockets = await Promise.all(hostile.map(raw))
    await until(() => sockets.every((socket) => socket.readableEnded || socket.destroyed), soon)
    const { name, primaryKey } = hub.core.policies.find((policy) => policy.name === 'service')!
    const seen = readFirst(client({ username: name, password: primaryKey }), partition)
    await until(() => seen.messages.length === 1, soon)
  })

  it('a frame larger than was agreed is not collected', async () => {
    const huge = Buffer.alloc(8)
    huge.writeUInt32BE(1_000_000_000)
    huge[4] = 2
    const socket = await raw(Buffer.concat([header, huge]))
    await until(() => socket.readableEnded || socket.destroyed, soon)
  })

  it('a message without an end is not collected, also of one who has shown no token', async () => {
    const connection = client()
    let gone = false
    connection.on('disconnected', () => {
      gone = true
    })
    const sender = connection.open_sender('$cbs')
    await new Promise((resolve) => sender.once('sendable', resolve))
    sender.send({ body: 'x'.repeat(5_000_000) } as Message)
    await until(() => gone, soon)
  })
})
