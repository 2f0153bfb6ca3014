import {
  EventHubConsumerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
  type SubscriptionEventHandlers,
} from '@azure/event-hubs'
import { until } from '@millrace/pipeline/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newHubFolder } from '../../testing/index.ts'
import { startTestHub, type TestHub, telemetry } from './testing/hub.ts'

let hub: TestHub
const clients: EventHubConsumerClient[] = []

beforeEach(async () => {
  hub = await startTestHub({ partitions: 2, dataDir: newHubFolder() })
})

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await hub.stop()
})

function consumer(group = '$Default', connection = hub.eventHub()): EventHubConsumerClient {
  const client = new EventHubConsumerClient(group, connection)
  clients.push(client)
  return client
}

interface Reading {
  events: ReceivedEventData[]
  errors: (Error & { code?: string })[]
}

/** Reads one partition with one client until it is closed. */
function read(start: EventPosition, more: { ownerLevel?: number; partition?: string; track?: boolean } = {}): Reading {
  const reading: Reading = { events: [], errors: [] }
  const handlers: SubscriptionEventHandlers = {
    processEvents: async (events) => {
      reading.events.push(...events)
    },
    processError: async (error) => {
      reading.errors.push(error)
    },
  }
  consumer().subscribe(more.partition ?? '0', handlers, {
    startPosition: start,
    maxBatchSize: 10,
    maxWaitTimeInSeconds: 1,
    trackLastEnqueuedEventProperties: more.track ?? false,
    ...(more.ownerLevel !== undefined && { ownerLevel: more.ownerLevel }),
  })
  return reading
}

const soon = { withinMs: 20_000 }
const bodies = ({ events }: Reading) => events.map(({ body }) => body as unknown)
const append = (...values: unknown[]) =>
  hub.core.events.builtIn.append(values.map((value) => telemetry('pi-01', value, { partition: { number: 0 } })))

describe('the event-hub-compatible endpoint, read by @azure/event-hubs', () => {
  it('tells its name, partitions and what is in them', async () => {
    await append(1, 2, 3)
    const client = consumer()
    const properties = await client.getEventHubProperties()
    expect(properties).toMatchObject({ name: 'millrace', partitionIds: ['0', '1'] })
    const partition = await client.getPartitionProperties('0')
    expect(partition).toMatchObject({
      eventHubName: 'millrace',
      partitionId: '0',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 2,
      isEmpty: false,
    })
    expect((await client.getPartitionProperties('1')).isEmpty).toBe(true)
    await expect(client.getPartitionProperties('7')).rejects.toMatchObject({ code: 'MessagingEntityNotFoundError' })
  })

  it('carries system properties, application properties and log positions as the hub sends them', async () => {
    await append({ v: 1 })
    const reading = read(earliestEventPosition)
    await until(() => reading.events.length === 1, soon)
    const [event] = reading.events
    expect(event).toMatchObject({
      body: { v: 1 },
      properties: { kind: 'summaries', site: 'hall' },
      sequenceNumber: 0,
      messageId: 'm-1',
      contentType: 'application/json',
    })
    expect(typeof event!.offset).toBe('string')
    expect(Math.abs(event!.enqueuedTimeUtc.getTime() - Date.now())).toBeLessThan(60_000)
    expect(event!.systemProperties).toMatchObject({
      'iothub-connection-device-id': 'pi-01',
      'iothub-connection-auth-generation-id': '638000000000000000',
      'iothub-connection-auth-method': expect.stringContaining('"issuer":"iothub"'),
      'iothub-enqueuedtime': 1_767_323_045_678,
      'iothub-message-source': 'Telemetry',
      contentEncoding: 'utf-8',
    })
  })

  it('starts where it is told: earliest, offset, sequence number, time, inclusive or not', async () => {
    await append('a', 'b', 'c')
    const all = read(earliestEventPosition)
    await until(() => all.events.length === 3, soon)
    const { offset } = all.events[1]!
    const starts: [EventPosition, string[]][] = [
      [{ offset }, ['c']],
      [{ offset, isInclusive: true }, ['b', 'c']],
      [{ sequenceNumber: 0 }, ['b', 'c']],
      [{ sequenceNumber: 0, isInclusive: true }, ['a', 'b', 'c']],
      [{ enqueuedOn: new Date(0) }, ['a', 'b', 'c']],
    ]
    for (const [start, expected] of starts) {
      const reading = read(start)
      await until(() => reading.events.length === expected.length, soon)
      expect(bodies(reading)).toEqual(expected)
      await clients.pop()!.close()
    }
  })

  it('starts at the end when it is told the latest, and then goes on', async () => {
    await append('before')
    const reading = read(latestEventPosition, { track: true })
    const probe = async () => {
      await append('after')
      return reading.events.length > 0
    }
    for (let tries = 0; tries < 100 && !(await probe()); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(new Set(bodies(reading))).toEqual(new Set(['after']))
  })
})

describe('owner levels', () => {
  it('a reader with the same or a higher level takes the partition, the one before is told; a lower one is refused', async () => {
    await append(1)
    const first = read(earliestEventPosition, { ownerLevel: 1 })
    await until(() => first.events.length === 1, soon)
    const second = read(earliestEventPosition, { ownerLevel: 2 })
    await until(() => second.events.length === 1 && first.errors.length > 0, soon)
    expect(first.errors[0]!.code).toBe('ReceiverDisconnectedError')
    const lower = read(earliestEventPosition, { ownerLevel: 1 })
    const sharing = read(earliestEventPosition)
    await until(() => lower.errors.length > 0 && sharing.errors.length > 0, soon)
    expect([lower.errors[0]!.code, sharing.errors[0]!.code]).toEqual([
      'ReceiverDisconnectedError',
      'ReceiverDisconnectedError',
    ])
    await append(2)
    await until(() => second.events.length === 2, soon)
  })

  it('five readers share a partition, the sixth is refused', async () => {
    await append(1)
    const readings = Array.from({ length: 5 }, () => read(earliestEventPosition))
    await until(() => readings.every(({ events }) => events.length === 1), soon)
    const sixth = read(earliestEventPosition)
    await until(() => sixth.errors.length > 0, soon)
    expect(sixth.errors[0]!.code).toBe('QuotaExceededError')
  })
})

describe('who may read', () => {
  const wrongKey = () => hub.eventHub().replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${'A'.repeat(43)}=`)

  it('refuses a wrong key and says which setting to look at', async () => {
    const client = new EventHubConsumerClient('$Default', wrongKey(), { retryOptions: { maxRetries: 0 } })
    clients.push(client)
    await expect(client.getEventHubProperties()).rejects.toThrow(/signature is wrong: look at SharedAccessKeyName/)
  })

  it('refuses a policy without the permission to read events', async () => {
    const policy = hub.core.policies.find(({ permissions }) => !permissions.includes('serviceConnect'))!
    const connection = hub
      .eventHub()
      .replace(/SharedAccessKeyName=[^;]+/, `SharedAccessKeyName=${policy.name}`)
      .replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${policy.primaryKey}`)
    const client = new EventHubConsumerClient('$Default', connection, { retryOptions: { maxRetries: 0 } })
    clients.push(client)
    await expect(client.getEventHubProperties()).rejects.toThrow(/ServiceConnect/)
  })

  it('does not know other event hubs', async () => {
    const client = new EventHubConsumerClient('$Default', hub.eventHub('elsewhere'), {
      retryOptions: { maxRetries: 0 },
    })
    clients.push(client)
    await expect(client.getEventHubProperties()).rejects.toMatchObject({ code: 'MessagingEntityNotFoundError' })
  })
})
