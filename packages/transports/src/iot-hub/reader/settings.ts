import { type Problem, readSecret, UsageError } from '@millrace/pipeline'
import { z } from 'zod'
import { unquoted } from '../unquoted.ts'

const file = z.string().min(1)

/** How to read a hub, as it stands in the config file. */
export const hubReaderSettings = z.object({
  /** `Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...;EntityPath=...` in the first line of a file of mode 0600. */
  connectionStringFile: file,
  /** One for each reader of the hub; readers that share checkpoints in Blob storage share it. */
  consumerGroup: z.string().min(1).max(256).default('$Default'),
  /** Where to begin in a partition that has no checkpoint. */
  startPosition: z.union([z.enum(['earliest', 'latest']), z.iso.datetime({ offset: true })]).default('earliest'),
  checkpoints: z.discriminatedUnion('type', [
    /** A folder, for one reader alone. */
    z.strictObject({ type: z.literal('file'), dir: file }),
    /** Blob storage, by which several readers share the partitions. */
    z.strictObject({ type: z.literal('blob'), connectionStringFile: file, container: z.string().min(3).max(63) }),
  ]),
  /** `hub`: a sender is who the hub says. `sender`: who it says itself, for event hubs without devices. */
  identity: z.enum(['hub', 'sender']).default('hub'),
  /** `amqp-ws` is AMQP over WebSocket on port 443, where a firewall lets nothing else out. */
  protocol: z.enum(['amqp', 'amqp-ws']).default('amqp'),
  /** Events of a partition that are taken at once. */
  maxBatchSize: z.int().min(1).max(200).default(100),
})
export type HubReaderSettings = z.output<typeof hubReaderSettings>

/** An event hub, and the connection string that opens it. */
export interface EventHubAddress {
  connectionString: string
  /** Host and port. */
  host: string
  hub: string
}

export function fieldsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(';').flatMap((part) => {
      const at = part.indexOf('=')
      return at < 1 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const]
    }),
  )
}

const path = 'collect.connectionStringFile'
const expected =
  'the Event-Hub-compatible connection string (of an IoT Hub: Azure portal, "Built-in endpoints"): ' +
  'Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...;EntityPath=...'

function refuse(found: string): never {
  const problems: Problem[] = [{ path, found, expected }]
  throw new UsageError('the connection string of the event hub cannot be used', problems)
}

/** Throws a UsageError without the text, which is a secret. */
export function parseEventHub(secret: string): EventHubAddress {
  const text = unquoted(secret)
  const fields = fieldsOf(text)
  if (fields.has('hostname')) refuse("a connection string of the hub's device or service side (HostName=...)")
  const needed = ['Endpoint', 'SharedAccessKeyName', 'SharedAccessKey', 'EntityPath']
  const missing = needed.filter((name) => !fields.get(name.toLowerCase()))
  if (missing.length > 0) refuse(`a text without ${missing.join(', ')}`)
  const endpoint = fields.get('endpoint')!
  if (!/^sb:\/\/[^/]+/.test(endpoint)) refuse('an Endpoint that does not begin with sb://')
  return { connectionString: text, host: endpoint.slice(5).replace(/\/.*/, ''), hub: fields.get('entitypath')! }
}

/** Throws a UsageError that names the setting whose file cannot be read or used. */
export function readEventHub({
  connectionStringFile,
}: Pick<HubReaderSettings, 'connectionStringFile'>): EventHubAddress {
  return parseEventHub(readSecret(connectionStringFile, path))
}
