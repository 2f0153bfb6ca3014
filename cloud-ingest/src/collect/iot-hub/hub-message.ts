import {
  cloudTopic,
  deviceMessageSchema,
  isName,
  type MessageKind,
  messageKinds,
  type SetAsideReason,
} from '@millrace/contracts'
import type { HubEvent } from '@millrace/transports'
import type { CloudMessage } from '../../cloud-link.ts'

export interface EventContext {
  /** Name of the partition, told with what is set aside. */
  log: string
  identity: 'hub' | 'sender'
  /** `agent`: an agent reads what devices send themselves. */
  directDevices: 'set-aside' | 'agent'
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** Who sent it: by the hub, which knows its devices, or where there are none, by the sender's own word. */
function agentOf(event: HubEvent, identity: EventContext['identity']): string | undefined {
  const { deviceId } = event
  if (deviceId !== undefined || identity === 'hub') return deviceId
  const told = event.property('agent') ?? (parse(event.body) as { agent?: unknown } | undefined)?.agent
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

/** As an agent that reads the same hub tells what is the ingest's. */
const isOfAgent = (kind: string | undefined, site: string | undefined) =>
  kind !== undefined && (messageKinds as readonly string[]).includes(kind) && site !== undefined

const toCloud: readonly string[] = messageKinds.filter((kind) => kind !== 'receipt' && kind !== 'config')

/** Undefined for what somebody else reads. */
export function readEvent(event: HubEvent, { log, identity, directDevices }: EventContext): CloudMessage | undefined {
  const { body } = event
  const [kind, site] = [event.property('kind'), event.property('site')]
  if (directDevices === 'agent' && !isOfAgent(kind, site)) return undefined
  const agent = agentOf(event, identity)
  const setAside = (reason: SetAsideReason, count = 1): CloudMessage => {
    return { topic: log, body, setAside: { reason, device: agent ?? null, count } }
  }
  if (!event.readable) return setAside('bad-body')
  if (kind === undefined || !toCloud.includes(kind) || site === undefined || !isName(site)) {
    const { reason, count } = judgeForeign(body)
    return setAside(reason, count)
  }
  if (agent === undefined || !isName(agent)) return setAside('identity')
  return { topic: cloudTopic({ site, agent, kind: kind as MessageKind }), body }
}
