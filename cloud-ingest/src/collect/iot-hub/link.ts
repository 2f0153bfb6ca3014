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
import { backoff, type Logger, type Meters, pause, retry } from '@millrace/pipeline'
import type { CloudLink, CloudMessage } from '../../cloud-link.ts'
import { FileCheckpoints } from './file-checkpoints.ts'
import { Partition } from './partition.ts'
import { Problems } from './problem-list.ts'
import type { EventHubAddress, IotHubSettings } from './settings.ts'
import { asking, WatchedStore } from './watched-store.ts'

export interface HubLinkContext {
  address: EventHubAddress
  log: Logger
  meters: Meters
  /** How often partitions are shared out again, and those that were given up are claimed. */
  balanceEveryMs?: number
  checkpointEveryMs?: number
}

interface Checkpoints {
  store: CheckpointStore
  prepare(): Promise<unknown>
  release(partitionId: string): void
}

const balanceMs = 5_000
const checkpointMs = 5_000
/** An ingest that was killed gives up its partitions to others after so many rounds. */
const expireAfterRounds = 4
const retryMs = 1_000
const endsKnownForMs = 5_000
const stopWithinMs = 3_000
/** Also how soon a partition in which nothing happens says that it is read. */
const maxWaitTimeInSeconds = 1
const backoffLimits = { minMs: 200, maxMs: 5_000 }

async function openCheckpoints({ checkpoints }: IotHubSettings): Promise<Checkpoints> {
  if (checkpoints.type === 'file') {
    const store = new FileCheckpoints(checkpoints.dir)
    return { store, prepare: async () => undefined, release: (partitionId) => store.release(partitionId) }
  }
  const { openBlobCheckpoints } = await import('./blob-checkpoints.ts')
  return { ...openBlobCheckpoints(checkpoints), release: () => undefined }
}

function positionOf({ startPosition }: IotHubSettings): EventPosition {
  if (startPosition === 'earliest') return earliestEventPosition
  if (startPosition === 'latest') return latestEventPosition
  return { enqueuedOn: new Date(startPosition), isInclusive: true }
}

export async function openHubLink(settings: IotHubSettings, context: HubLinkContext): Promise<CloudLink> {
  return new HubLink(settings, context, await openCheckpoints(settings))
}

/** Reads all partitions of a hub that are not another ingest's. There is no way back to agents, and none is needed. */
class HubLink implements CloudLink {
  private readonly settings: IotHubSettings
  private readonly context: HubLinkContext
  private readonly checkpoints: Checkpoints
  private readonly problems: Problems
  private readonly store: WatchedStore
  private readonly client: EventHubConsumerClient
  private readonly partitions = new Map<string, Partition>()
  private readonly stopping = new AbortController()
  private readonly ends = new Map<string, { atMs: number; ends: Promise<{ lastEnqueuedSequenceNumber: number }> }>()
  private running: Promise<void> = Promise.resolve()

  constructor(settings: IotHubSettings, context: HubLinkContext, checkpoints: Checkpoints) {
    this.settings = settings
    this.context = context
    this.checkpoints = checkpoints
    const { address, log, balanceEveryMs = balanceMs } = context
    this.problems = new Problems({ from: { ...address, group: settings.consumerGroup }, log })
    this.store = new WatchedStore({
      store: checkpoints.store,
      log,
      ends: (partitionId) => this.endsOf(partitionId),
      answered: () => this.problems.solved(''),
    })
    this.client = new EventHubConsumerClient(settings.consumerGroup, address.connectionString, this.store, {
      retryOptions: { maxRetries: 1, retryDelayInMs: 200, timeoutInMs: 20_000 },
      loadBalancingOptions: {
        strategy: settings.checkpoints.type === 'file' ? 'greedy' : 'balanced',
        updateIntervalInMs: balanceEveryMs,
        partitionOwnershipExpirationIntervalInMs: balanceEveryMs * expireAfterRounds,
      },
    })
  }

  async start(receive: (message: CloudMessage) => Promise<boolean>): Promise<void> {
    this.running = this.run(receive).catch((error) => void this.problems.met(error, ''))
  }

  /** There are no receipts over a hub: its acknowledgement ended the agent's duty. */
  async publish(): Promise<void> {}

  onConnect(callback: () => void): void {
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
  private async run(receive: (message: CloudMessage) => Promise<boolean>): Promise<void> {
    const { signal } = this.stopping
    const onFailure = (error: unknown) => this.problems.met(error, '')
    const attempt = async () => {
      await asking(() => this.checkpoints.prepare())
      await this.client.getPartitionIds({ abortSignal: signal })
    }
    await retry(attempt, { signal, ...backoffLimits, onFailure }).catch(() => undefined)
    if (signal.aborted) return
    const subscription = this.subscribe(receive)
    while (!signal.aborted) {
      await pause(this.context.checkpointEveryMs ?? checkpointMs, signal).catch(() => undefined)
      await this.save()
    }
    await subscription.close()
    await this.save()
  }

  private subscribe(receive: (message: CloudMessage) => Promise<boolean>) {
    const { maxBatchSize } = this.settings
    return this.client.subscribe(
      {
        processInitialize: async (context) => this.open(context, receive),
        processEvents: async (events, { partitionId }) => {
          this.problems.solved(partitionId)
          await this.partitions.get(partitionId)?.take(events)
        },
        processError: async (error, { partitionId }) => await this.failed(error, partitionId),
        processClose: async (reason, { partitionId }) => await this.close(reason, partitionId),
      },
      {
        startPosition: positionOf(this.settings),
        maxBatchSize,
        prefetchCount: maxBatchSize,
        maxWaitTimeInSeconds,
        skipParsingBodyAsJson: true,
      },
    )
  }

  private open(context: PartitionContext, receive: (message: CloudMessage) => Promise<boolean>): void {
    const { partitionId } = context
    const { address, log, meters } = this.context
    const passed = meters.counter('hub_events_passed_over_total', 'Events in which a hub tells of its devices')
    const gap = meters.counter('hub_events_lost_total', 'Events that the hub deleted before they were read')
    this.partitions.get(partitionId)?.end({ lost: true })
    this.partitions.set(
      partitionId,
      new Partition({
        log: `iot-hub/${address.host}/${address.hub}/${partitionId}`.toLowerCase(),
        ...{ identity: this.settings.identity, retryMs, receive },
        after: this.store.startOf(partitionId),
        save: (event: ReceivedEventData) => context.updateCheckpoint(event),
        passedOver: (events) => passed.inc(events),
        lost(events) {
          gap.inc(events)
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

  /** Ingests that share their checkpoints share out the partitions. */
  private isTakenInTurn(error: unknown): boolean {
    return (
      this.settings.checkpoints.type === 'blob' && (error as { code?: unknown }).code === 'ReceiverDisconnectedError'
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
