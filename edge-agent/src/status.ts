import { cloudTopic, type RulesStatus, type StatusBody } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import { type DeviceView, type Keeper, unstamped } from '@millrace/windows'
import type { TimeState } from './agent-time.ts'
import type { JournaledEntry } from './checkpoint.ts'
import type { SensorState } from './collect/index.ts'
import type { DiskWear } from './disk-wear.ts'
import type { Names } from './names.ts'
import type { SpoolState } from './spool/index.ts'

export interface AccountSums {
  accepted: number
  closed: number
  open: number
  duplicate: number
  tooLate: number
  invalid: number
  dropped: number
  qos0: number
}

/** What the agent says of itself over HTTP and, in part, in its retained status. */
export interface AgentStatus {
  agent: string
  site: string
  version: string
  epoch: string
  settingsHash: string
  windowLengthMs: number
  windowLatenessMs: number
  uptimeMs: number
  spool: SpoolState & {
    name: string
    full: boolean
    /** Days of outage until the spool is full, as messages come now; null while that is not known. */
    bridgesDays: number | null
    movedAside: { reason: string; to: string } | null
    dropped: { site: string; messages: number; readings: number }[]
  }
  clock: TimeState & { nowMs: number | null }
  uplink: {
    connected: boolean
    outstanding: number
    lastError: string | null
    /** Messages that the far side refused: they wait in the outbox, out of the way of the others. */
    setAside: { messages: number; reason: string | null }
    /** What the type of uplink has to say of itself. */
    detail?: Record<string, unknown>
  }
  disk: DiskWear
  sensors: SensorState[]
  rates: { messagesPerSecond: number; readingsPerSecond: number }
  /** Messages that the decoders of devices' own formats took for no reading. */
  ignoredMessages: number
  amendSpanMs: number
  /** The lowest and highest line below which readings are too late; null without devices. */
  floors: { lowestMs: number | null; highestMs: number | null }
  accounts: AccountSums
  open: number
  unaccounted: number
  deadLetters: Record<string, number>
  devices: number
  series: number
  /** Absent where the agent has no rules. */
  rules?: RulesStatus & { raised: number }
}

export interface DeviceStatus extends AccountSums {
  site: string
  device: string
  watermarkMs: number | null
  floorMs: number | null
  sent: number
  unaccounted: number
  /** Readings in no window, by reason: `tooLate`, `invalid` and `dropped` in one. */
  setAside: Record<string, number>
  /** Windows with readings that are not in the outbox yet: start and length, ms. */
  openWindows: [number, number][]
}

function sum(terms: Readonly<Record<string, number>>): number {
  return Object.values(terms).reduce((total, count) => total + count, 0)
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

export function unaccountedOf(sums: AccountSums): number {
  const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = sums
  return accepted - (closed + open + duplicate + tooLate + invalid + dropped)
}

function sumsOf({ counts }: DeviceView): AccountSums {
  const { accepted, closed, open, duplicate, tooLate, qos0, invalid, dropped } = counts
  return { accepted, closed, open, duplicate, tooLate, invalid: sum(invalid), dropped: sum(dropped), qos0 }
}

function setAsideOf({ counts: { tooLate, invalid, dropped } }: DeviceView): Record<string, number> {
  return { ...invalid, ...dropped, ...(tooLate > 0 ? { 'too-late': tooLate } : {}) }
}

/** The accounts of all devices together. */
export function totalAccounts(keeper: Keeper): AccountSums {
  const total: AccountSums = {
    ...{ accepted: 0, closed: 0, open: 0, duplicate: 0 },
    ...{ tooLate: 0, invalid: 0, dropped: 0, qos0: 0 },
  }
  for (const view of keeper.devices()) {
    for (const [term, count] of Object.entries(sumsOf(view))) total[term as keyof AccountSums] += count
  }
  return total
}

export function floorsOf(keeper: Keeper): AgentStatus['floors'] {
  let lowestMs = Number.POSITIVE_INFINITY
  let highestMs = Number.NEGATIVE_INFINITY
  for (const { floorMs } of keeper.devices()) {
    if (!Number.isFinite(floorMs)) continue
    lowestMs = Math.min(lowestMs, floorMs)
    highestMs = Math.max(highestMs, floorMs)
  }
  return { lowestMs: finite(lowestMs), highestMs: finite(highestMs) }
}

interface Parts {
  keeper: Keeper
  names: Names
  sent(device: number): number
}

type OpenByDevice = Map<number, Map<number, number>>

function addOpen(open: OpenByDevice, device: number, [start, lengthMs]: [number, number]): void {
  const windows = open.get(device) ?? new Map<number, number>()
  open.set(device, windows.set(start, lengthMs))
}

/** Adds the windows that readings of waiting entries will touch once they are applied. */
function addTouched(open: OpenByDevice, waiting: readonly JournaledEntry[], { keeper, names }: Parts): void {
  for (const { entry } of waiting) {
    if (entry.kind !== 'data') continue
    const { series, ts, flags, length } = entry.batch.readings
    for (let at = 0; at < length; at++) {
      const device = names.deviceOf(series[at]!)
      const lengthMs = keeper.device(device)?.lengthMs ?? keeper.settings.lengthMs
      const moment = flags[at]! & unstamped ? keeper.timeAt(ts[at]!) : ts[at]!
      addOpen(open, device, [Math.floor(moment / lengthMs) * lengthMs, lengthMs])
    }
  }
}

/** One entry per device; `waiting` are entries that are journaled and not yet in the windows. */
export function deviceStatus(parts: Parts, waiting: readonly JournaledEntry[]): DeviceStatus[] {
  const { keeper, names, sent } = parts
  const open: OpenByDevice = new Map()
  for (const { device, start, lengthMs } of keeper.openWindows()) addOpen(open, device, [start, lengthMs])
  addTouched(open, waiting, parts)
  return [...keeper.devices()].map((view) => {
    const sums = sumsOf(view)
    return {
      site: names.siteOf(view.device),
      device: names.deviceName(view.device),
      watermarkMs: finite(view.watermarkMs),
      floorMs: finite(view.floorMs),
      ...sums,
      sent: sent(view.device),
      unaccounted: unaccountedOf(sums),
      setAside: setAsideOf(view),
      openWindows: [...(open.get(view.device) ?? [])],
    }
  })
}

/** The retained status: what the cloud needs to know of an agent, small enough to repeat. */
export function statusBody(status: AgentStatus): StatusBody {
  const { agent, site, version, epoch, settingsHash, clock, spool, uplink, accounts } = status
  const { name, bytes, maxBytes, outboxMessages, oldestOutboxMs, full, bridgesDays, dropped } = spool
  return {
    ...{ v: 1 as const, agent, site, online: true, version, epoch, settingsHash },
    ...(clock.nowMs === null ? {} : { at: Math.round(clock.nowMs) }),
    clock: { ...clock },
    spool: { name, bytes, maxBytes, outboxMessages, oldestOutboxMs, full, bridgesDays, dropped },
    counters: {
      ...accounts,
      ...{ unaccounted: status.unaccounted, devices: status.devices, series: status.series },
      ...{ outstanding: uplink.outstanding, deadLetters: status.deadLetters, floors: status.floors },
      amendSpanMs: status.amendSpanMs,
      disk: status.disk,
    },
    ...rulesOf(status),
  }
}

function rulesOf({ rules }: AgentStatus): { rules?: RulesStatus } {
  if (!rules) return {}
  const { raised: _, ...told } = rules
  return { rules: told }
}

/** The last will: what the cloud reads when the agent has vanished or stopped. */
export function offline({ agent, site }: { agent: string; site: string }): Message {
  const body: StatusBody = { v: 1, agent, site, online: false }
  return {
    topic: cloudTopic({ site, agent, kind: 'status' }),
    body: Buffer.from(JSON.stringify(body)),
    ...{ retain: true, qos: 1 },
  }
}
