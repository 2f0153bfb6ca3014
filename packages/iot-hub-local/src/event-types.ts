/** What an AMQP application property or annotation can be here. */
export type EventValue = string | number | boolean | null

/** AMQP message properties, named as on the wire with underscores. Times are epoch ms. */
export interface MessageProperties {
  message_id?: string
  correlation_id?: string
  user_id?: string
  to?: string
  subject?: string
  content_type?: string
  content_encoding?: string
  absolute_expiry_time?: number
  creation_time?: number
}

export interface NewEvent {
  /** A partition's number, or the key whose hash chooses it; IoT Hub's key is the device id. */
  partition: { number: number } | { key: string }
  body: Uint8Array
  /** Application properties. */
  properties: Readonly<Record<string, EventValue>>
  /** Annotations besides the log's own, such as `iothub-connection-device-id`; `iothub-enqueuedtime` is epoch ms. */
  annotations: Readonly<Record<string, EventValue>>
  message: MessageProperties
}

export interface LogEvent {
  partition: number
  /** Counts a partition's events from 0, without gaps. */
  sequence: number
  /** Bytes of the partition before this event, as Event Hubs shows it: an opaque text that grows. */
  offset: string
  /** Never falls within a partition. */
  enqueuedMs: number
  partitionKey: string | null
  body: Uint8Array
  properties: Readonly<Record<string, EventValue>>
  annotations: Readonly<Record<string, EventValue>>
  message: MessageProperties
}

export interface PartitionInfo {
  /** Of the oldest event still held; what comes next when the partition is empty. */
  firstSequence: number
  /** -1 before the first event. */
  lastSequence: number
  /** '-1' before the first event. */
  lastOffset: string
  /** 0 before the first event. */
  lastEnqueuedMs: number
  isEmpty: boolean
}

/** Where a reader begins; `after` readings exclude what they name unless `inclusive`. */
export type StartPosition =
  | { at: 'earliest' | 'latest' }
  | { offset: string; inclusive: boolean }
  | { sequence: number; inclusive: boolean }
  | { enqueuedMs: number; inclusive: boolean }

/** An append-only log in partitions: the built-in endpoint, or a plain event hub. Readers keep their own positions. */
export interface EventLog {
  readonly name: string
  readonly partitions: number
  readonly createdMs: number
  /** Resolves when all of them are on disk; appends of the same moment share a commit. Rejects with a HubError. */
  append(events: readonly NewEvent[]): Promise<void>
  info(partition: number): PartitionInfo
  /** The sequence number at which a reader begins that asks for this position. */
  locate(partition: number, position: StartPosition): Promise<number>
  /** Events from `sequence` on in order, possibly none; at least one event however large when there is any. */
  read(partition: number, sequence: number, limits: { events: number; bytes: number }): Promise<LogEvent[]>
  /** Resolves when the partition holds an event at or after `sequence`, or when the signal is aborted. */
  waitFor(partition: number, sequence: number, signal: AbortSignal): Promise<void>
}

export interface EventLogs {
  /** The built-in endpoint of the hub: telemetry of its devices. */
  readonly builtIn: EventLog
  /** A plain event hub by name, made when it is new. The number of partitions of one that exists stays. */
  open(name: string, partitions: number): Promise<EventLog>
  /** All that exist, the built-in one first. */
  all(): readonly EventLog[]
}
