import type { Checkpoint, CheckpointStore, PartitionOwnership } from '@azure/event-hubs'
import type { Logger } from '@millrace/pipeline'
import { CheckpointError } from './problems.ts'

interface Ends {
  lastEnqueuedSequenceNumber: number
}

export interface WatchedStoreOptions {
  store: CheckpointStore
  log: Logger
  /** Of a partition, asked of the hub. */
  ends(partitionId: string): Promise<Ends>
  /** Called when hub and checkpoints have both answered. */
  answered(): void
}

/** Of a stream that is to be read from where it begins now. */
const fromStart = { offset: '-1', sequenceNumber: -1 }

/**
 * Checkpoints as the hub's client asks for them. A checkpoint beyond the end of its partition belongs to a hub that is
 * no more, so its partition is read from the start: the spool knows what it has.
 */
export class WatchedStore implements CheckpointStore {
  private readonly options: WatchedStoreOptions
  private readonly starts = new Map<string, number>()

  constructor(options: WatchedStoreOptions) {
    this.options = options
  }

  /** Number of the event after which a partition was begun last; undefined without a checkpoint. */
  startOf(partitionId: string): number | undefined {
    return this.starts.get(partitionId)
  }

  async listOwnership(...of: Parameters<CheckpointStore['listOwnership']>): Promise<PartitionOwnership[]> {
    const list = await asking(() => this.options.store.listOwnership(...of))
    this.options.answered()
    return list
  }

  async claimOwnership(...wanted: Parameters<CheckpointStore['claimOwnership']>): Promise<PartitionOwnership[]> {
    return await asking(() => this.options.store.claimOwnership(...wanted))
  }

  async updateCheckpoint(...saved: Parameters<CheckpointStore['updateCheckpoint']>): Promise<void> {
    await asking(() => this.options.store.updateCheckpoint(...saved))
  }

  async listCheckpoints(...of: Parameters<CheckpointStore['listCheckpoints']>): Promise<Checkpoint[]> {
    const list = await asking(() => this.options.store.listCheckpoints(...of))
    const usable = await Promise.all(list.map((checkpoint) => this.inReach(checkpoint)))
    for (const { partitionId, sequenceNumber } of usable) {
      if (sequenceNumber < 0) this.starts.delete(partitionId)
      else this.starts.set(partitionId, sequenceNumber)
    }
    return usable
  }

  private async inReach(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { partitionId, sequenceNumber } = checkpoint
    const ends = await this.options.ends(partitionId).catch(() => undefined)
    if (ends === undefined || sequenceNumber <= ends.lastEnqueuedSequenceNumber) return checkpoint
    const last = ends.lastEnqueuedSequenceNumber
    this.options.log.warn({ partitionId, sequenceNumber, last }, 'a checkpoint is beyond the end; read from the start')
    return { ...checkpoint, ...fromStart }
  }
}

/** Failures become those of the checkpoints. */
export async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new CheckpointError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
