import type { CheckpointStore } from '@azure/event-hubs'
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob'
import { ContainerClient, RestError } from '@azure/storage-blob'
import { readSecret, UsageError } from '@millrace/pipeline'

export interface BlobSettings {
  connectionStringFile: string
  container: string
}

const path = 'collect.checkpoints.connectionStringFile'

function containerOf({ connectionStringFile, container }: BlobSettings): ContainerClient {
  const secret = readSecret(connectionStringFile, path)
  try {
    return new ContainerClient(secret, container, { retryOptions: { maxTries: 2, tryTimeoutInMs: 15_000 } })
  } catch (cause) {
    const expected = 'the connection string of a storage account: DefaultEndpointsProtocol=...;AccountName=...'
    const problem = { path, found: 'a text that is none', expected }
    throw new UsageError('the connection string of the checkpoints cannot be used', [problem], { cause })
  }
}

/** A signature for one container may not make containers; whether it opens its own is seen when it is read. */
function isForbidden(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 403
}

/** Checkpoints and ownership in Blob storage; the container is made where it is missing. Throws a UsageError. */
export function openBlobCheckpoints(settings: BlobSettings): { store: CheckpointStore; prepare(): Promise<void> } {
  const container = containerOf(settings)
  return {
    store: new BlobCheckpointStore(container),
    async prepare() {
      await container.createIfNotExists().catch((error: unknown) => {
        if (!isForbidden(error)) throw error
      })
    },
  }
}
