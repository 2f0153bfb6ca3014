import {
  type Checkpoint,
  type CheckpointStore,
  EventHubConsumerClient,
  EventHubProducerClient,
  earliestEventPosition,
  type PartitionOwnership,
  type ReceivedEventData,
} from '@azure/event-hubs'
import { until } from '@millrace/pipeline/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { newHubFolder } from '../../testing/index.ts'
import { trust } from './testing/azure.ts'
import { startTestHub, type TestHub, telemetry } from './testing/hub.ts'

const soon = { withinMs: 30_000 }
const closing: { close(): Promise<void> }[] = []
const hubs: TestHub[] = []

afterEach(async () => {
  await Promise.all(closing.splice(0).map((client) => client.close()))
  for (const hub of hubs.splice(0)) await hub.stop()
})

async function start(options: Parameters<typeof startTestHub>[0]): Promise<TestHub> {
  const hub = await startTestHub({ dataDir: newHubFolder(), ...options })
  hubs.push(hub)
  return hub
}

/** A checkpoint store as the SDK asks for one, in memory. */
class MemoryStore implements CheckpointStore {
  readonly #ownerships = new Map<string, PartitionOwnership>()
  readonly #checkpoints = new Map<string, Checkpoint>()
  #etag = 0

  async listOwnership(): Promise<PartitionOwnership[]> {
    return Array.from(this.#ownerships.values())
  }

  async claimOwnership(wanted: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    const free = wanted.filter(({ partitionId, etag }) => this.#ownerships.get(partitionId)?.etag === etag)
    return free.map((ownership) => {
      const claimed = { ...ownership, etag: String(++this.#etag), lastModifiedTimeInMs: Date.now() }
      this.#ownerships.set(ownership.partitionId, claimed)
      return claimed
    })
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    this.#checkpoints.set(checkpoint.partitionId, checkpoint)
  }

  async listCheckpoints(): Promise<Checkpoint[]> {
    return Array.from(this.#checkpoints.values())
  }
}

/** One of several programs that share the partitions of a consumer group. */
function share(hub: TestHub, store: CheckpointStore) {
  const client = new EventHubConsumerClient('$Default', hub.eventHub(), store, {
    loadBalancingOptions: {
      strategy: 'balanced',
      updateIntervalInMs: 300,
      partitionOwnershipExpirationIntervalInMs: 5_000,
    },
    retryOptions: { retryDelayInMs: 200 },
  })
  closing.push(client)
  const mine = { partitions: new Set<string>(), bodies: [] as unknown[], client }
  client.subscribe(
    {
      processInitialize: async ({ partitionId }) => {
        mine.partitions.add(partitionId)
      },
      processClose: async (_reason, { partitionId }) => {
        mine.partitions.delete(partitionId)
      },
      processEvents: async (events, context) => {
        mine.bodies.push(...events.map(({ body }) => body as unknown))
        if (events.length > 0) await context.updateCheckpoint(events.at(-1)!)
      },
      processError: async () => undefined,
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 10 },
  )
  return mine
}

describe('programs that share a consumer group', () => {
  it('balance the partitions, and one takes over all when the other leaves', async () => {
    const hub = await start({ partitions: 4 })
    const store = new MemoryStore()
    const [first, second] = [share(hub, store), share(hub, store)]
    await until(() => first.partitions.size === 2 && second.partitions.size === 2, soon)
    await hub.core.events.builtIn.append(
      Array.from({ length: 40 }, (_, n) => telemetry('pi', n, { partition: { number: n % 4 } })),
    )
    const seen = () => new Set([...first.bodies, ...second.bodies])
    await until(() => seen().size === 40, soon)
    closing.splice(closing.indexOf(second.client), 1)
    await second.client.close()
    await until(() => first.partitions.size === 4, soon)
    await hub.core.events.builtIn.append(
      [3, 2, 1, 0].map((number) => telemetry('pi', `late-${number}`, { partition: { number } })),
    )
    await until(() => first.bodies.filter((body) => String(body).startsWith('late-')).length === 4, soon)
  })

  it('go on from their checkpoints after the hub was restarted', async () => {
    const dataDir = newHubFolder()
    const before = await startTestHub({ partitions: 2, dataDir })
    const reader = share(before, new MemoryStore())
    await before.core.events.builtIn.append([telemetry('pi', 'a', { partition: { number: 0 } })])
    await until(() => reader.bodies.length === 1, soon)
    await before.stop(true)
    const after = await start({ dataDir, amqpPort: before.side.amqpPort })
    await after.core.events.builtIn.append([telemetry('pi', 'b', { partition: { number: 0 } })])
    await until(() => reader.bodies.length === 2, soon)
    expect(reader.bodies).toEqual(['a', 'b'])
  })
})

function readAll(hub: TestHub, entity: string): ReceivedEventData[] {
  const events: ReceivedEventData[] = []
  const client = new EventHubConsumerClient('any-group', hub.eventHub(entity))
  closing.push(client)
  client.subscribe(
    {
      processEvents: async (received) => {
        events.push(...received)
      },
      processError: async () => undefined,
    },
    { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, maxBatchSize: 100 },
  )
  return events
}

describe('a plain event hub', () => {
  it('takes batches by key, by partition and in turn, with properties', async () => {
    const hub = await start({ partitions: 2 })
    const log = await hub.core.events.open('readings', 4)
    const producer = new EventHubProducerClient(hub.eventHub('readings'))
    closing.push(producer)
    expect(await producer.getPartitionIds()).toEqual(['0', '1', '2', '3'])
    await producer.sendBatch([{ body: { n: 1 } }, { body: { n: 2 } }], { partitionKey: 'pi-01' })
    await producer.sendBatch([{ body: { n: 3 } }], { partitionKey: 'pi-01' })
    await producer.sendBatch([{ body: Buffer.from('raw'), properties: { site: 'hall', n: 4.5 }, messageId: 'm' }], {
      partitionId: '3',
    })
    const batch = await producer.createBatch()
    for (let n = 5; n < 105; n++) batch.tryAdd({ body: { n } })
    await producer.sendBatch(batch)
    const events = readAll(hub, 'readings')
    await until(() => events.length === 104, soon)
    const keyed = events.filter(({ partitionKey }) => partitionKey === 'pi-01')
    expect(keyed.map(({ body }) => body.n)).toEqual([1, 2, 3])
    const raw = events.find(({ messageId }) => messageId === 'm')!
    expect(raw).toMatchObject({ properties: { site: 'hall', n: 4.5 } })
    expect(String(raw.body)).toBe('raw')
    expect(log.info(3).isEmpty).toBe(false)
  })

  it('the built-in endpoint takes no messages of services', async () => {
    const hub = await start({ partitions: 2 })
    const producer = new EventHubProducerClient(hub.eventHub(), { retryOptions: { maxRetries: 0 } })
    closing.push(producer)
    await expect(producer.sendBatch([{ body: 1 }])).rejects.toThrow(/Only devices send to the built-in endpoint/)
  })

  it('is read over a WebSocket too', async () => {
    const hub = await start({ partitions: 2 })
    trust(hub.core.certificate.caFile)
    const connection = hub.eventHub().replace(/127\.0\.0\.1:\d+/, `localhost:${hub.side.httpsPort}`)
    const client = new EventHubConsumerClient('$Default', connection, { webSocketOptions: { webSocket: WebSocket } })
    closing.push(client)
    expect(await client.getPartitionIds()).toEqual(['0', '1'])
  })
})

describe('a reader that does not read', () => {
  it('is given no more than it has credit for', async () => {
    const hub = await start({ partitions: 2 })
    const body = 'x'.repeat(100_000)
    for (let n = 0; n < 10; n++) {
      await hub.core.events.builtIn.append(
        Array.from({ length: 20 }, () => telemetry('pi', body, { partition: { number: 0 } })),
      )
    }
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let sent = 0
    const { read } = hub.core.events.builtIn
    hub.core.events.builtIn.read = async (partition, sequence, limits) => {
      const events = await read.call(hub.core.events.builtIn, partition, sequence, limits)
      sent += events.length
      return events
    }
    let taken = 0
    const client = new EventHubConsumerClient('$Default', hub.eventHub())
    closing.push(client)
    client.subscribe(
      '0',
      {
        processEvents: async (events) => {
          taken += events.length
          await held
        },
        processError: async () => undefined,
      },
      { startPosition: earliestEventPosition, maxBatchSize: 5, maxWaitTimeInSeconds: 1, prefetchCount: 20 },
    )
    await until(() => taken > 0 && sent >= 20, soon)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBeLessThanOrEqual(40)
    release()
    await until(() => taken === 200, soon)
  })
})
