import type { EventLog, HubCore } from '../../types.ts'
import { isBuiltIn } from './address.ts'
import type { Claims } from './claims.ts'
import { bodyOf } from './received-message.ts'
import { type Message, types } from './rhea.ts'

export interface Reply {
  status: number
  description: string
  body?: unknown
  condition?: string
}

const entityType = 'com.microsoft:eventhub'
const partitionType = 'com.microsoft:partition'

/** Answer to a token put on `$cbs`. `azure-iothub` takes no other success than 200. */
export function putToken(claims: Claims, request: Message): Reply {
  const operation = request.application_properties?.operation
  if (operation !== 'put-token') return { status: 400, description: `$cbs knows put-token, not ${String(operation)}` }
  const token = typeof request.body === 'string' ? request.body : Buffer.from(bodyOf(request)).toString('utf8')
  const judgement = claims.put(token)
  if (judgement.ok) return { status: 200, description: 'OK' }
  return { status: 401, description: `InvalidSignature: ${judgement.reason}`, condition: 'amqp:unauthorized-access' }
}

export function logNamed({ events }: Pick<HubCore, 'events'>, name: string): EventLog | undefined {
  if (isBuiltIn(name, events.builtIn.name)) return events.builtIn
  return events.all().find((log) => log.name.toLowerCase() === name)
}

function hubInfo(log: EventLog): Record<string, unknown> {
  return {
    name: log.name,
    type: entityType,
    created_at: types.wrap_timestamp(log.createdMs),
    partition_count: types.wrap_int(log.partitions),
    partition_ids: Array.from({ length: log.partitions }, (_, number) => String(number)),
    georeplication_factor: types.wrap_int(1),
  }
}

function partitionInfo(log: EventLog, partition: number): Record<string, unknown> {
  const info = log.info(partition)
  return {
    name: log.name,
    type: partitionType,
    partition: String(partition),
    begin_sequence_number: types.wrap_long(info.firstSequence),
    last_enqueued_sequence_number: types.wrap_long(info.lastSequence),
    last_enqueued_offset: info.lastOffset,
    last_enqueued_time_utc: types.wrap_timestamp(info.lastEnqueuedMs),
    is_partition_empty: info.isEmpty,
  }
}

export function partitionNumber(log: EventLog, text: string): number | undefined {
  return /^\d{1,4}$/.test(text) && Number(text) < log.partitions ? Number(text) : undefined
}

const notFound = (what: string): Reply => ({
  status: 404,
  description: `The messaging entity '${what}' could not be found.`,
  condition: 'amqp:not-found',
})

const notAllowed = (what: string): Reply => ({
  status: 401,
  description: `Unauthorized access to ${what}`,
  condition: 'amqp:unauthorized-access',
})

/** Answer to a request on the `$management` of an event hub. */
export function manage(core: Pick<HubCore, 'events'>, claims: Claims, request: Message): Reply {
  const { operation, name, type, partition } = request.application_properties ?? {}
  if (operation !== 'READ') return { status: 400, description: `$management knows READ, not ${String(operation)}` }
  if (!claims.permits(`/${String(name)}/$management`, 'serviceConnect')) return notAllowed(String(name))
  const log = logNamed(core, String(name).toLowerCase())
  if (!log) return notFound(String(name))
  if (type === entityType) return { status: 200, description: 'OK', body: hubInfo(log) }
  const number = type === partitionType ? partitionNumber(log, String(partition)) : undefined
  if (number === undefined) return notFound(`${log.name}/${String(partition)}`)
  return { status: 200, description: 'OK', body: partitionInfo(log, number) }
}

/** A reply as message; its body is a map, or nothing. */
export function replyMessage(request: Message, { status, description, body, condition }: Reply): Message {
  const message = {
    to: request.reply_to,
    correlation_id: request.message_id,
    application_properties: {
      'status-code': types.wrap_int(status),
      'status-description': description,
      ...(condition && { 'error-condition': types.wrap_symbol(condition) }),
    },
    body: body ?? null,
  }
  return message as unknown as Message
}
