import { MillraceError } from '@millrace/pipeline'

export interface ReadFrom {
  host: string
  hub: string
  group: string
}

interface Coded {
  name?: string
  code?: string
  message?: string
}

const file = 'collect.connectionStringFile'

type Explain = (from: ReadFrom, partition: string, text: string) => string

const byCode: Readonly<Record<string, Explain>> = {
  UnauthorizedError: ({ hub }, _partition, text) => {
    return `the key or its policy is refused for ${hub}; it needs Listen, at an IoT Hub ServiceConnect (${file}): ${text}`
  },
  MessagingEntityNotFoundError: ({ host, hub, group }, partition, text) => {
    if (partition === '') return `${host} has no event hub ${hub} (EntityPath in ${file}): ${text}`
    return `${hub} has no consumer group ${group} (collect.consumerGroup): ${text}`
  },
  ReceiverDisconnectedError: ({ group }, partition) => {
    return (
      `another reader took partition ${partition} of consumer group ${group}: give each reader a group of its own ` +
      '(collect.consumerGroup), or let them share it by checkpoints in Blob storage (collect.checkpoints)'
    )
  },
  QuotaExceededError: ({ group }, partition, text) => {
    return `too many readers of partition ${partition} in consumer group ${group} (collect.consumerGroup): ${text}`
  },
  ServerBusyError: ({ hub }, _partition, text) => `${hub} asks to slow down: ${text}`,
  checkpoints: (_from, _partition, text) => `the checkpoints cannot be read or written (collect.checkpoints): ${text}`,
}

/** Codes by which a refusal hides behind another one. */
const alike: Readonly<Record<string, string>> = {
  'amqp:unauthorized-access': 'UnauthorizedError',
  'amqp:not-found': 'MessagingEntityNotFoundError',
  InvalidSignature: 'UnauthorizedError',
  ExpiredToken: 'UnauthorizedError',
}

/** Of several tries the client tells all. */
function lastOf(error: unknown): Coded {
  return ((error as AggregateError | undefined)?.errors?.at(-1) ?? error ?? {}) as Coded
}

/** What hinders reading, in words that name the setting to look at. `partition` is empty for the hub as a whole. */
export function explainProblem(error: unknown, from: ReadFrom, partition: string): string {
  const { name = '', code = '', message = String(error) } = lastOf(error)
  const text = message.replaceAll(/\s+/g, ' ').trim()
  if (error instanceof CheckpointError) return byCode.checkpoints!(from, partition, text)
  if (error instanceof MillraceError) return text
  const explain = byCode[alike[code] ?? code] ?? byCode[name]
  return explain?.(from, partition, text) ?? `no connection to ${from.hub} at ${from.host} (${file}): ${text}`
}

/** A failure of what keeps the checkpoints, as opposed to the hub. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError'
}
