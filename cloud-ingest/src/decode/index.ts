import { createHash } from 'node:crypto'
import {
  accountsSchema,
  type CloudTopic,
  completenessColumnsSchema,
  type LiveBody,
  liveBodySchema,
  type MessageKind,
  maxBodyBytes,
  type ProvisionalBody,
  parseCloudTopic,
  provisionalBodySchema,
  type SetAsideReason,
  type StatusBody,
  spooledKinds,
  statusBodySchema,
  summariesBodySchema,
} from '@millrace/contracts'
import type { CloudMessage } from '../cloud-link.ts'
import type { BodyHead, CompletenessPart, DeviceTerms, SetAside, Spooled } from '../received.ts'
import { readAlerts } from './alert-list.ts'
import { isSketch, isTime, isTooDeep } from './sound.ts'
import { isKeySound, readSummaryRows } from './summary-rows.ts'

export type Decoded =
  | { kind: 'spooled'; spooled: Spooled }
  | { kind: 'provisional'; body: ProvisionalBody }
  | { kind: 'live'; body: LiveBody }
  | { kind: 'status'; body: StatusBody }
  /** Best effort, and useless: counted only. */
  | { kind: 'ignored'; reason: SetAsideReason }

const headSchema = summariesBodySchema.pick({
  ...{ v: true, agent: true, spool: true, epoch: true, site: true, seq: true },
  ...{ made: true, settingsHash: true },
})
const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body))
  } catch {
    return undefined
  }
}

/** The message in the form its kind has; never throws. */
export function decodeMessage(message: CloudMessage): Decoded {
  const { place, setAside } = message
  if (setAside) return { kind: 'spooled', spooled: { ...baseOf(message), ...nothing, setAside: [setAside] } }
  const decoded = decodeByTopic(message)
  return place && decoded.kind === 'spooled' ? { ...decoded, spooled: { ...decoded.spooled, place } } : decoded
}

function baseOf({ topic, body, place }: CloudMessage): Pick<Spooled, 'topic' | 'head' | 'body' | 'hash' | 'place'> {
  const hash = createHash('sha256').update(body).digest().subarray(0, 16)
  return { topic, head: undefined, body, hash, ...(place && { place }) }
}

function decodeByTopic(message: CloudMessage): Decoded {
  const topic = parseCloudTopic(message.topic)
  if (!topic) return { kind: 'ignored', reason: 'bad-topic' }
  if (spooledKinds.includes(topic.kind)) return { kind: 'spooled', spooled: decodeSpooled(message, topic) }
  return decodeBestEffort(parse(message.body), topic)
}

function decodeBestEffort(value: unknown, topic: CloudTopic): Decoded {
  const decoded = byKind(value, topic)
  if (decoded === undefined) return { kind: 'ignored', reason: 'bad-body' }
  const { site, agent } = decoded.body
  return site === topic.site && agent === topic.agent ? decoded : { kind: 'ignored', reason: 'bad-body' }
}

function byKind(value: unknown, { kind }: CloudTopic): Extract<Decoded, { body: unknown }> | undefined {
  if (kind === 'provisional') {
    const { data } = provisionalBodySchema.safeParse(value)
    return data && areOpenWindows(data) ? { kind, body: data } : undefined
  }
  if (kind === 'live') {
    const { data } = liveBodySchema.safeParse(value)
    return data?.columns.ts.every(isTime) ? { kind, body: data } : undefined
  }
  const { data } = statusBodySchema.safeParse(value)
  return data && !isTooDeep(data) ? { kind: 'status', body: data } : undefined
}

function areOpenWindows({ columns: { start, lengthMs, sketch } }: ProvisionalBody): boolean {
  return sketch.every(isSketch) && start.every((at, index) => isKeySound({ start: at, lengthMs: lengthMs[index]! }))
}

function readHead(value: unknown, topic: CloudTopic): BodyHead | undefined {
  const { data } = headSchema.safeParse(value)
  if (!data || data.site !== topic.site || data.agent !== topic.agent) return undefined
  const { site, agent, spool, seq, epoch, made, settingsHash } = data
  const stamp = { ...(made === undefined ? {} : { made }), ...(settingsHash === undefined ? {} : { settingsHash }) }
  return { site, agent, spool, seq, epoch, ...stamp }
}

/** A body that is sound but for the name in it: nobody is believed who speaks for another agent. */
function isOfAnother(value: unknown, topic: CloudTopic): boolean {
  const { data } = headSchema.safeParse(value)
  return data !== undefined && data.agent !== topic.agent
}

function decodeSpooled(message: CloudMessage, topic: CloudTopic): Spooled {
  const { body } = message
  const value = parse(body)
  const head = readHead(value, topic)
  const base = { ...baseOf(message), head }
  const refuse = (reason: SetAsideReason): Spooled => {
    return { ...base, ...nothing, setAside: [{ reason, device: null, count: 1 }] }
  }
  if (body.byteLength > maxBodyBytes) return refuse('too-large')
  const content = head && readers[topic.kind]?.(value as Record<string, unknown>, head)
  if (content) return { ...base, ...content }
  return refuse(isOfAnother(value, topic) ? 'identity' : 'bad-body')
}

type Content = Pick<Spooled, 'parts' | 'completeness' | 'accounts' | 'alerts' | 'setAside'>
type Reader = (value: Record<string, unknown>, head: BodyHead) => Content | undefined

const nothing = { parts: [], completeness: [], accounts: [], alerts: [] }

/** What each kind of body holds; undefined where it is none of its kind. */
const readers: { [Kind in MessageKind]?: Reader } = {
  summaries({ columns, completeness, accounts }) {
    const rows = readSummaryRows(columns)
    if (!rows) return undefined
    const setAside = [...rows.setAside]
    return {
      parts: rows.parts,
      completeness: readCompleteness(completeness, setAside),
      accounts: readAccounts(accounts, setAside),
      alerts: [],
      setAside,
    }
  },
  alerts({ alerts }, { site }) {
    const found = readAlerts(alerts, site)
    return found && { ...nothing, ...found }
  },
}

const noReadings: SetAside = { reason: 'bad-body', device: null, count: 0 }

const isCount = (value: number | null) => value === null || (Number.isSafeInteger(value) && value >= 0)

function readCompleteness(value: unknown, setAside: SetAside[]): CompletenessPart[] {
  const { data } = completenessColumnsSchema.safeParse(value)
  const parts = data?.device.map((device, index) => ({
    device,
    boot: data.boot[index]!,
    start: data.start[index]!,
    lengthMs: data.lengthMs[index]!,
    rev: data.rev[index]!,
    firstSeq: data.firstSeq[index]!,
    lastSeq: data.lastSeq[index]!,
    messages: data.messages[index]!,
  }))
  const sound = parts?.filter((part) => isKeySound(part) && isCount(part.firstSeq) && isCount(part.lastSeq))
  if (sound === undefined || sound.length !== parts?.length) setAside.push(noReadings)
  return sound ?? []
}

function readAccounts(value: unknown, setAside: SetAside[]): DeviceTerms[] {
  const { data } = accountsSchema.safeParse(value)
  if (!data) {
    setAside.push(noReadings)
    return []
  }
  return data.device.map((device, index) => ({
    device,
    sent: data.sent[index]!,
    terms: {
      accepted: data.accepted[index]!,
      closed: data.closed[index]!,
      open: data.open[index]!,
      duplicate: data.duplicate[index]!,
      tooLate: data.tooLate[index]!,
      invalid: data.invalid[index]!,
      dropped: data.dropped[index]!,
      qos0: data.qos0[index]!,
    },
  }))
}
