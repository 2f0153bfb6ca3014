import { decodePercent, strictEncode } from './sas.ts'
import type { EventValue, MessageProperties } from './types.ts'

/** Key without a value when null, `key=` when empty. */
export type Bag = Map<string, string | null>

/** The bag at the end of a topic, whatever was percent-encoded in it; undefined where an encoding is broken. */
export function parseBag(text: string): Bag | undefined {
  const bag: Bag = new Map()
  for (const part of text.replace(/^\?/, '').split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    const key = decodePercent(at < 0 ? part : part.slice(0, at))
    const value = at < 0 ? null : decodePercent(part.slice(at + 1))
    if (!key || value === undefined) return undefined
    bag.set(key, value)
  }
  return bag
}

export function formatBag(bag: Iterable<readonly [string, string | null]>): string {
  return Array.from(bag, ([key, value]) =>
    value === null ? strictEncode(key) : `${strictEncode(key)}=${strictEncode(value)}`,
  ).join('&')
}

type TextProperty = Exclude<keyof MessageProperties, 'absolute_expiry_time' | 'creation_time'>

/** System properties by their key in a bag; the rest of the `$.` keys become annotations of this name. */
const textProperties = new Map<string, TextProperty>(
  Object.entries({
    '$.mid': 'message_id',
    '$.cid': 'correlation_id',
    '$.uid': 'user_id',
    '$.to': 'to',
    '$.ct': 'content_type',
    '$.ce': 'content_encoding',
  }),
)

const annotationNames = new Map([
  ['$.sub', 'dt-subject'],
  ['$.ifid', 'iothub-interface-id'],
])

const creationKey = '$.ctime'

export interface SplitBag {
  message: MessageProperties
  properties: Record<string, EventValue>
  annotations: Record<string, EventValue>
}

function timeOf(text: string | null): number | undefined {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? undefined : ms
}

type Own = { message: MessageProperties; annotations: Record<string, EventValue> }

/** False for a key that is not the hub's. */
function takeOwn({ message, annotations }: Own, key: string, value: string | null): boolean {
  const text = textProperties.get(key)
  const annotation = annotationNames.get(key)
  const time = timeOf(value)
  if (text !== undefined) message[text] = value ?? ''
  else if (annotation !== undefined) annotations[annotation] = value ?? ''
  else if (key === '$.exp') message.absolute_expiry_time = time ?? 0
  else if (key === creationKey && time !== undefined) message.creation_time = time
  else return false
  return true
}

/** A device's bag as an event carries it. Unknown keys with a dollar stay application properties. */
export function splitBag(bag: Bag): SplitBag {
  const own: Own = { message: {}, annotations: {} }
  const others = Array.from(bag).filter(([key, value]) => !takeOwn(own, key, value))
  return { ...own, properties: Object.fromEntries(others) }
}

/** A message for a device as its bag. */
export function joinBag({ message, properties }: Omit<SplitBag, 'annotations'>): Bag {
  const bag: Bag = new Map()
  for (const [key, name] of textProperties) {
    const value = message[name]
    if (value !== undefined) bag.set(key, value)
  }
  if (message.absolute_expiry_time) bag.set('$.exp', new Date(message.absolute_expiry_time).toISOString())
  for (const [key, value] of Object.entries(properties)) bag.set(key, value === null ? null : String(value))
  return bag
}
