import {
  cloudTopic,
  type DeviceClocksStatus,
  type RulesStatus,
  type StatusBody,
  settingsReportSchema,
} from '@millrace/contracts'
import type { Message, SourceState } from '@millrace/pipeline'
import { type DeviceView, type Keeper, unstamped } from '@millrace/windows'
import { type AccountParts, type AccountSums, accountOf, type DeviceAccount } from './accounts.ts'
import type { TimeState } from './agent-time.ts'
import type { JournaledEntry } from './checkpoint.ts'
import type { ClockDoctor } from './clocks/index.ts'
import { collectForCloud } from './collect/for-cloud.ts'
import type { SensorState } from './collect/index.ts'
import type { DiskWear } from './disk-wear.ts'
import { type SpoolStatus, spoolForCloud } from './spool-status.ts'

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
  /** How often this is told to the cloud. */
  statusEveryMs: number
  spool: SpoolStatus
  clock: TimeState & { nowMs: number | null; devices: DeviceClocksStatus }
  uplink: {
    connected: boolean
    outstanding: number
    lastError: string | null
    /** The certificate that the agent shows, with its end, epoch ms. */
    certificates: readonly { setting: string; notAfterMs: number }[]
    /** Messages that the far side refused: they wait in the outbox, out of the way of the others. */
    setAside: { messages: number; reason: string | null }
    /** What the type of uplink has to say of itself. */
    detail?: Record<string, unknown>
  }
  /** What the collector says of who sends to it; empty where that is another broker's business. */
  collect: SourceState
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
  /** Readings missing or doubled in the accounts of devices, and messages that are nowhere. */
  unaccounted: number
  /** Messages that are neither receipted nor waiting nor given up. */
  lostMessages: number
  deadLetters: Record<string, number>
  devices: number
  series: number
  /** Absent where the agent has no rules. */
  rules?: RulesStatus & { raised: number }
}

export interface DeviceStatus extends DeviceAccount {
  watermarkMs: number | null
  floorMs: number | null
  /** Readings in no window, by reason: `tooLate`, `invalid` and `dropped` in one. */
  setAside: Record<string, number>
  /** Windows with readings that are not in the outbox yet: start and length, ms. */
  openWindows: [number, number][]
  clock: ReturnType<ClockDoctor['of']>
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}

function setAsideOf({ counts: { tooLate, invalid, dropped } }: DeviceView): Record<string, number> {
  return { ...invalid, ...dropped, ...(tooLate > 0 ? { 'too-late': tooLate } : {}) }
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

interface Parts extends AccountParts {
  clock: (device: number) => DeviceStatus['clock']
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
  const { keeper, clock } = parts
  const open: OpenByDevice = new Map()
  for (const { device, start, lengthMs } of keeper.openWindows()) addOpen(open, device, [start, lengthMs])
  addTouched(open, waiting, parts)
  return [...keeper.devices()].map((view) => {
    return {
      ...accountOf(view, parts),
      watermarkMs: finite(view.watermarkMs),
      floorMs: finite(view.floorMs),
      setAside: setAsideOf(view),
      openWindows: [...(open.get(view.device) ?? [])],
      clock: clock(view.device),
    }
  })
}

/** The retained status: what the cloud needs to know of an agent, small enough to repeat. */
export function statusBody(status: AgentStatus): StatusBody {
  const { agent, site, version, epoch, settingsHash, clock, spool, uplink, accounts } = status
  return {
    ...{ v: 1 as const, agent, site, online: true, version, epoch, settingsHash },
    ...(clock.nowMs === null ? {} : { at: Math.round(clock.nowMs) }),
    clock: { ...clock },
    spool: spoolForCloud(spool),
    counters: {
      ...accounts,
      ...{ unaccounted: status.unaccounted, lostMessages: status.lostMessages },
      ...{ devices: status.devices, series: status.series },
      ...{ outstanding: uplink.outstanding, deadLetters: status.deadLetters, floors: status.floors },
      ...{ amendSpanMs: status.amendSpanMs, statusEveryMs: status.statusEveryMs },
      disk: status.disk,
      collect: collectForCloud(status.collect, uplink.certificates),
    },
    ...settingsOf(status),
    ...rulesOf(status),
  }
}

/** What became of the settings that the cloud asked for, where it did. */
function settingsOf({ uplink: { detail } }: AgentStatus): Pick<StatusBody, 'settings'> {
  const { data } = settingsReportSchema.safeParse(detail?.settings)
  return data && data.state !== 'none' ? { settings: data } : {}
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
