import type { EventValue, MessageProperties } from '../../types.ts'
import { dataSection, decodeMessage, type Message, type Section, uuidText } from './rhea.ts'

/** Of a message that holds encoded messages as its data sections. */
export const batchFormat = 0x80013700

export interface ReceivedMessage {
  body: Uint8Array
  properties: Record<string, EventValue>
  annotations: Record<string, EventValue>
  message: MessageProperties
  partitionKey: string | undefined
}

function isSection(body: unknown): body is Section {
  return typeof body === 'object' && body !== null && 'typecode' in body && 'content' in body
}

/** The data sections of a body; a body of values is taken as JSON text. */
function sectionsOf(body: unknown): Uint8Array[] {
  if (body instanceof Uint8Array) return [body]
  if (body === undefined || body === null) return [new Uint8Array()]
  if (!isSection(body)) return [Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))]
  if (body.typecode !== dataSection) return [Buffer.from(JSON.stringify(body.content))]
  return (body.multiple ? body.content : [body.content]) as Uint8Array[]
}

export function bodyOf(message: Message): Uint8Array {
  const sections = sectionsOf(message.body)
  return sections.length === 1 ? sections[0]! : Buffer.concat(sections)
}

function scalar(value: unknown): EventValue | undefined {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value as EventValue
  if (value instanceof Date) return value.getTime()
  if (value instanceof Uint8Array) return idText(value)
  return undefined
}

function idText(value: Uint8Array): string {
  const bytes = Buffer.from(value)
  return bytes.length === 16 ? uuidText(bytes) : bytes.toString('utf8')
}

function scalars(values: unknown): Record<string, EventValue> {
  const result: Record<string, EventValue> = {}
  for (const [name, value] of Object.entries((values ?? {}) as Record<string, unknown>)) {
    const kept = scalar(value)
    if (kept !== undefined) result[name] = kept
  }
  return result
}

const texts = ['message_id', 'correlation_id', 'user_id', 'to', 'subject', 'content_type', 'content_encoding'] as const
const times = ['absolute_expiry_time', 'creation_time'] as const

function messageProperties(message: Message): MessageProperties {
  const result: MessageProperties = {}
  for (const name of texts) {
    const value = scalar(message[name])
    if (value !== undefined && value !== null) result[name] = String(value)
  }
  for (const name of times) {
    const value = message[name]
    if (value !== undefined) result[name] = new Date(value).getTime()
  }
  return result
}

export function received(message: Message): ReceivedMessage {
  const annotations = scalars(message.message_annotations)
  const key = annotations['x-opt-partition-key']
  const own = Object.entries(annotations).filter(([name]) => !name.startsWith('x-opt-'))
  return {
    body: bodyOf(message),
    properties: scalars(message.application_properties),
    annotations: Object.fromEntries(own),
    message: messageProperties(message),
    partitionKey: typeof key === 'string' ? key : undefined,
  }
}

/** The messages in a batch, with the key of the batch where they have none. Throws on bytes that are no AMQP. */
export function receivedBatch(bytes: Buffer): ReceivedMessage[] {
  const envelope = decodeMessage(bytes)
  const { partitionKey } = received({ ...envelope, body: undefined })
  return sectionsOf(envelope.body).map((section) => {
    const one = received(decodeMessage(Buffer.from(section)))
    return { ...one, partitionKey: one.partitionKey ?? partitionKey }
  })
}
