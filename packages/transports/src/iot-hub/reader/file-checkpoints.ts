import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint, CheckpointStore, PartitionOwnership } from '@azure/event-hubs'
import { z } from 'zod'

const checkpointSchema = z.object({ sequenceNumber: z.int(), offset: z.string() })

/** A name as part of a path, the same for every way to write it. */
const part = (name: string) => encodeURIComponent(name.toLowerCase()).replaceAll('.', '%2E')

/**
 * Checkpoints in a folder, one file for each partition, replaced as a whole. Ownership is kept in memory: this store
 * knows of no other ingest, so it is for one alone.
 */
export class FileCheckpoints implements CheckpointStore {
  private readonly dir: string
  private readonly owned = new Map<string, PartitionOwnership>()
  private claims = 0

  constructor(dir: string) {
    this.dir = dir
  }

  /** The partition may be claimed at once again. */
  release(partitionId: string): void {
    this.owned.delete(partitionId)
  }

  async listOwnership(): Promise<PartitionOwnership[]> {
    return [...this.owned.values()].map((ownership) => ({ ...ownership }))
  }

  async claimOwnership(wanted: PartitionOwnership[]): Promise<PartitionOwnership[]> {
    return wanted.map((ownership) => {
      this.claims++
      const claimed = { ...ownership, etag: String(this.claims), lastModifiedTimeInMs: Date.now() }
      this.owned.set(ownership.partitionId, claimed)
      return { ...claimed }
    })
  }

  async updateCheckpoint(checkpoint: Checkpoint): Promise<void> {
    const { sequenceNumber, offset, partitionId } = checkpoint
    const folder = this.folder(checkpoint.fullyQualifiedNamespace, checkpoint.eventHubName, checkpoint.consumerGroup)
    await mkdir(folder, { recursive: true })
    const file = join(folder, `${part(partitionId)}.json`)
    const handle = await open(`${file}.new`, 'w')
    try {
      await handle.writeFile(JSON.stringify({ sequenceNumber, offset }))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(`${file}.new`, file)
  }

  /** One that cannot be read is as if it were not there: the spool knows what it has. */
  async listCheckpoints(fullyQualifiedNamespace: string, eventHubName: string, consumerGroup: string) {
    const folder = this.folder(fullyQualifiedNamespace, eventHubName, consumerGroup)
    const names = await readdir(folder).catch(noFolder)
    const found = await Promise.all(
      names
        .filter((name) => name.endsWith('.json'))
        .map(async (name): Promise<Checkpoint | undefined> => {
          const saved = readCheckpoint(await readFile(join(folder, name), 'utf8'))
          const partitionId = decodeURIComponent(name.slice(0, -'.json'.length))
          return saved && { ...saved, partitionId, fullyQualifiedNamespace, eventHubName, consumerGroup }
        }),
    )
    return found.filter((checkpoint) => checkpoint !== undefined)
  }

  private folder(...names: [namespace: string, hub: string, group: string]): string {
    return join(this.dir, ...names.map(part))
  }
}

function readCheckpoint(text: string) {
  try {
    return checkpointSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

function noFolder(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
