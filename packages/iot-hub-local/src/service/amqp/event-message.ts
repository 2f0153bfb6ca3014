import type { EventValue, LogEvent, MessageProperties, PartitionInfo } from '../../types.ts'
import { codec, type Message, types } from './rhea.ts'

/** Annotations whose numbers are moments. */
const moments = new Set(['iothub-enqueuedtime', 'iothub-creation-time-utc'])

type Values = Record<string, unknown>

function annotation(name: string, value: EventValue): unknown {
  return moments.has(name) && typeof value === 'number' ? types.wrap_timestamp(value) : value
}

function annotations(event: LogEvent): Values {
  const all: Values = {
    'x-opt-sequence-number': types.wrap_long(event.sequence),
    'x-opt-offset': event.offset,
    'x-opt-enqueued-time': types.wrap_timestamp(event.enqueuedMs),
  }
  if (event.partitionKey !== null) all['x-opt-partition-key'] = event.partitionKey
  for (const [name, value] of Object.entries(event.annotations)) all[name] = annotation(name, value)
  return all
}

function properties(message: MessageProperties): Values {
  const { user_id, ...rest } = message
  return user_id === undefined ? rest : { ...rest, user_id: Buffer.from(user_id) }
}

/** What a reader that asked for them is told about its partition with every event. */
export function runtimeMetrics(info: PartitionInfo, nowMs: number): Values {
  return {
    last_enqueued_sequence_number: types.wrap_long(info.lastSequence),
    last_enqueued_offset: info.lastOffset,
    last_enqueued_time_utc: types.wrap_timestamp(info.lastEnqueuedMs),
    runtime_info_retrieval_time_utc: types.wrap_timestamp(nowMs),
  }
}

/** An event as AMQP message. */
export function eventMessage(event: LogEvent, metrics?: Values): Message {
  const { buffer, byteOffset, byteLength } = event.body
  const message = {
    ...properties(event.message),
    message_annotations: annotations(event),
    body: codec.data_section(Buffer.from(buffer, byteOffset, byteLength)),
    ...(Object.keys(event.properties).length > 0 && { application_properties: event.properties }),
    ...(metrics && { delivery_annotations: metrics }),
  }
  return message as unknown as Message
}
