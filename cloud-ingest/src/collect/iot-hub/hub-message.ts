import type { ReceivedEventData } from '@azure/event-hubs'
import {
  cloudTopic,
  deviceMessageSchema,
  isName,
  type MessageKind,
  messageKinds,
  type SetAsideReason,
} from '@millrace/contracts'
import type { CloudMessage } from '../../cloud-link.ts'
import { decodeBody, rawBody } from './body.ts'
import { foreignText } from './foreign-text.ts'

/** An event as far as it is read here; bodies come as bytes. */
export type HubEvent = Pick<
  ReceivedEventData,
  'body' | 'properties' | 'systemProperties' | 'sequenceNumber' | 'enqueuedTimeUtc'
>

export interface EventContext {
  /** Name of the partition, told with what is set aside. */
  log: string
  identity: 'hub' | 'sender'
}

type Values = Readonly<Record<string, unknown>> | undefined

/** Names of properties compare without case at a hub. */
function textOf(values: Values, name: string): string | undefined {
  if (values === undefined) return undefined
  const key = name in values ? name : Object.keys(values).find((other) => other.toLowerCase() === name)
  return key === undefined ? undefined : foreignText(values[key])
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Who sent it: by the hub, which knows its devices, or where there are none, by the sender's own word. */
function agentOf({ properties, systemProperties }: HubEvent, body: Uint8Array, identity: EventContext['identity']) {
  const stamped = textOf(systemProperties, 'iothub-connection-device-id')
  if (stamped !== undefined || identity === 'hub') return stamped
  const told = textOf(properties, 'agent') ?? (parse(body) as { agent?: unknown } | undefined)?.agent
  return typeof told === 'string' ? told : undefined
}

/** A device that sends its own readings, or nothing that anybody here can read. */
function judgeForeign(body: Uint8Array): { reason: SetAsideReason; count: number } {
  const value = parse(body)
  if (value === undefined) return { reason: 'bad-json', count: 1 }
  const { data } = deviceMessageSchema.safeParse(value)
  if (!data) return { reason: 'bad-shape', count: 1 }
  const objects = Array.isArray(data) ? data : [data]
  const count = objects.reduce((sum, { readings }) => sum + Object.keys(readings).length, 0)
  return { reason: 'direct-device', count }
}

const toCloud: readonly string[] = messageKinds.filter((kind) => kind !== 'receipt' && kind !== 'config')

/** Undefined for what the hub itself says of its devices, such as that one connected. */
export function readEvent(event: HubEvent, { log, identity }: EventContext): CloudMessage | undefined {
  const { properties, systemProperties } = event
  const source = textOf(systemProperties, 'iothub-message-source')
  if (source !== undefined && source.toLowerCase() !== 'telemetry') return undefined
  const raw = rawBody(event.body)
  const body = decodeBody(raw, textOf(systemProperties, 'contentEncoding'))
  const agent = agentOf(event, body ?? raw, identity)
  const setAside = (reason: SetAsideReason, count = 1): CloudMessage => {
    return { topic: log, body: body ?? raw, setAside: { reason, device: agent ?? null, count } }
  }
  if (body === undefined) return setAside('bad-body')
  const [kind, site] = [textOf(properties, 'kind'), textOf(properties, 'site')]
  if (kind === undefined || !toCloud.includes(kind) || site === undefined || !isName(site)) {
    const { reason, count } = judgeForeign(body)
    return setAside(reason, count)
  }
  if (agent === undefined || !isName(agent)) return setAside('identity')
  return { topic: cloudTopic({ site, agent, kind: kind as MessageKind }), body }
}
