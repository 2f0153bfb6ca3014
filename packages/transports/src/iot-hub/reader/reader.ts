import {
  type CheckpointStore,
  type CloseReason,
  EventHubConsumerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type PartitionContext,
  type ReceivedEventData,
} from '@azure/event-hubs'
import { backoff, pause, retry } from '@millrace/pipeline'
import { loadAzure } from '../sdk.ts'
import { FileCheckpoints } from './file-checkpoints.ts'
import { Partition } from './partition.ts'
import { Problems } from './problem-list.ts'
import type { HubReaderSettings } from './settings.ts'
import type { HubReader, HubReaderOptions } from './types.ts'
import { asking, WatchedStore } from './watched-store.ts'

interface Checkpoints {
  store: CheckpointStore
  prepare(): Promise<unknown>
  release(partitionId: string): void
}

const balanceMs = 5_000
const checkpointMs = 5_000
/** A reader that was killed gives up its partitions to others after so many rounds. */
const expireAfterRounds = 4
const endsKnownForMs = 5_000
const stopWithinMs = 3_000
/** Also how soon a partition in which nothing happens says that it is read. */
const maxWaitTimeInSeconds = 1
const backoffLimits = { minMs: 200, maxMs: 5_000 }

async function openCheckpoints({ checkpoints }: HubReaderSettings): Promise<Checkpoints> {
  if (checkpoints.type === 'file') {
    const store = new FileCheckpoints(checkpoints.dir)
    return { store, prepare: async () => undefined, release: (partitionId) => store.release(partitionId) }
  }
  const { openBlobCheckpoints } = await loadAzure(() => import('./blob-checkpoints.ts'))
  return { ...openBlobCheckpoints(checkpoints), release: () => undefined }
}

function positionOf({ startPosition }: HubReaderSettings): EventPosition {
  if (startPosition === 'earliest') return earliestEventPosition
  if (startPosition === 'latest') return latestEventPosition
  return { enqueuedOn: new Date(startPosition), isInclusive: true }
}

export async function openReader(options: HubReaderOptions): Promise<HubReader> {
  return new Reader(options, await openCheckpoints(options.settings))
}

class Reader implements HubReader {
  private readonly options: HubReaderOptions
  private readonly checkpoints: Checkpoints
  private readonly problems: Problems
  private readonly store: WatchedStore
  private readonly client: EventHubConsumerClient
  private readonly partitions = new Map<string, Partition>()
  private readonly stopping = new AbortController()
  private readonly ends = new Map<string, { atMs: number; ends: Promise<{ lastEnqueuedSequenceNumber: number }> }>()
  private running: Promise<void> = Promise.resolve()

  constructor(options: HubReaderOptions, checkpoints: Checkpoints) {
    this.options = options
    this.checkpoints = checkpoints
    const { settings, address, log, balanceEveryMs = balanceMs } = options
    this.problems = new Problems({ from: { ...address, group: settings.consumerGroup }, log })
    this.store = new WatchedStore({
      store: checkpoints.store,
      log,
      ends: (partitionId) => this.endsOf(partitionId),
      answered: () => this.problems.solved(''),
    })
    this.client = new EventHubConsumerClient(settings.consumerGroup, address.connectionString, this.store, {
      ...(settings.protocol === 'amqp-ws' ? { webSocketOptions: { webSocket: WebSocket } } : {}),
      retryOptions: { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 20_000 },
      loadBalancingOptions: {
        strategy: settings.checkpoints.type === 'file' ? 'greedy' : 'balanced',
        updateIntervalInMs: balanceEveryMs,
        partitionOwnershipExpirationIntervalInMs: balanceEveryMs * expireAfterRounds,
      },
    })
  }

  start(): void {
    this.running = this.run().catch((error) => void this.problems.met(error, ''))
  }

  onSolved(callback: () => void): void {
    this.problems.onSolved(callback)
  }

  problem(): string | undefined {
    return this.problems.first()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    const waiting = new AbortController()
    const closing = this.running.then(() => this.client.close()).catch(() => undefined)
    await Promise.race([closing, pause(stopWithinMs, waiting.signal).catch(() => undefined)])
    waiting.abort()
  }

  /** Asks the hub until it answers, since the client's own first tries take minutes; then reads until the stop. */
  private async run(): Promise<void> {
    const { signal } = this.stopping
    const onFailure = (error: unknown) => this.problems.met(error, '')
    const attempt = async () => {
      await asking(() => this.checkpoints.prepare())
      await this.client.getPartitionIds({ abortSignal: signal })
    }
    await retry(attempt, { signal, ...backoffLimits, onFailure }).catch(() => undefined)
    if (signal.aborted) return
    const subscription = this.subscribe()
    while (!signal.aborted) {
      await pause(this.options.checkpointEveryMs ?? checkpointMs, signal).catch(() => undefined)
      await this.save()
    }
    await subscription.close()
    await this.save()
  }

  private subscribe() {
    const { settings } = this.options
    const { maxBatchSize } = settings
    return this.client.subscribe(
      {
        processInitialize: async (context) => this.open(context),
        processEvents: async (events, { partitionId }) => {
          this.problems.solved(partitionId)
          await this.partitions.get(partitionId)?.take(events)
        },
        processError: async (error, { partitionId }) => await this.failed(error, partitionId),
        processClose: async (reason, { partitionId }) => await this.close(reason, partitionId),
      },
      {
        startPosition: positionOf(settings),
        maxBatchSize,
        prefetchCount: maxBatchSize,
        maxWaitTimeInSeconds,
        skipParsingBodyAsJson: true,
      },
    )
  }

  private open(context: PartitionContext): void {
    const { partitionId } = context
    const { address, log, maxBodyBytes, open, passedOver, lost } = this.options
    this.partitions.get(partitionId)?.end({ lost: true })
    this.partitions.set(
      partitionId,
      new Partition({
        ...{ maxBodyBytes, passedOver },
        take: open(`iot-hub/${address.host}/${address.hub}/${partitionId}`.toLowerCase()),
        after: this.store.startOf(partitionId),
        save: (event: ReceivedEventData) => context.updateCheckpoint(event),
        lost(events) {
          lost(events)
          log.error({ partitionId, events }, 'the hub deleted events before they were read: retention was too short')
        },
      }),
    )
  }

  private async close(reason: CloseReason, partitionId: string): Promise<void> {
    const lost = reason === 'OwnershipLost'
    const partition = this.partitions.get(partitionId)
    partition?.end({ lost })
    this.checkpoints.release(partitionId)
    if (!lost) await partition?.save().catch((error) => this.problems.met(error, ''))
  }

  /** The client goes on at once after it has told of an error that may pass, so the pause is here. */
  private async failed(error: unknown, partitionId: string): Promise<void> {
    if (this.stopping.signal.aborted || this.isTakenInTurn(error)) return
    const tries = this.problems.met(error, partitionId)
    if (partitionId !== '') await pause(backoff(tries, backoffLimits), this.stopping.signal).catch(() => undefined)
  }

  /** Readers that share their checkpoints share out the partitions. */
  private isTakenInTurn(error: unknown): boolean {
    return (
      this.options.settings.checkpoints.type === 'blob' &&
      (error as { code?: unknown }).code === 'ReceiverDisconnectedError'
    )
  }

  private async save(): Promise<void> {
    const saving = [...this.partitions.values()].map((partition) => partition.save())
    for (const outcome of await Promise.allSettled(saving)) {
      if (outcome.status === 'rejected') this.problems.met(outcome.reason, '')
    }
  }

  /** Asked once for all partitions that are begun at a time. */
  private endsOf(partitionId: string) {
    const known = this.ends.get(partitionId)
    if (known && performance.now() - known.atMs < endsKnownForMs) return known.ends
    const ends = this.client.getPartitionProperties(partitionId)
    this.ends.set(partitionId, { atMs: performance.now(), ends })
    return ends
  }
}
