import type {
  DeviceCompleteness,
  LiveReadingEvent,
  LiveSummaryEvent,
  SeriesInfo,
  SeriesName,
  StatusBody,
} from '@millrace/contracts'
import { RecentReadings } from './readings.ts'
import { History } from './rows.ts'
import { hourMs } from './step.ts'

export interface SeriesState extends SeriesInfo {
  key: string
  recent: RecentReadings
  /** Minute rows of about the last hour, for the small picture in the overview. */
  lastHour: History
}

export interface DeviceState {
  site: string
  device: string
  series: Map<string, SeriesState>
  lastTs: number
  completeness: DeviceCompleteness | undefined
}

export function seriesKey({ site, device, metric }: SeriesName): string {
  return `${site}/${device}/${metric}`
}

export type Freshness = 'live' | 'quiet' | 'silent'

/** By age of the newest reading: up to 30 s live, up to 5 min quiet. */
export function freshnessOf(ageMs: number): Freshness {
  if (ageMs <= 30_000) return 'live'
  return ageMs <= 5 * 60_000 ? 'quiet' : 'silent'
}

/** Everything the page knows of the fleet. Changes say which series they touched; nothing here draws. */
export class Fleet {
  readonly sites = new Map<string, Map<string, DeviceState>>()
  readonly series = new Map<string, SeriesState>()
  readonly agents = new Map<string, StatusBody>()
  /** Grows whenever a device or series appears. */
  shape = 0
  readings = 0

  deviceCount(): number {
    let count = 0
    for (const devices of this.sites.values()) count += devices.size
    return count
  }

  device(site: string, device: string): DeviceState | undefined {
    return this.sites.get(site)?.get(device)
  }

  putSeries(list: readonly SeriesInfo[]): void {
    for (const info of list) {
      const state = this.ensure(info)
      if (info.unit !== '') state.unit = info.unit
      this.touch(state, info.lastTs, info.lastValue)
    }
  }

  putReadings(event: LiveReadingEvent): SeriesState[] {
    this.readings += event.readings.length
    return event.readings.map(({ device, metric, unit, ts, value }) => {
      const state = this.ensure({ site: event.site, device, metric, unit, lastTs: ts, lastValue: value })
      state.recent.add(ts, value)
      this.touch(state, ts, value)
      return state
    })
  }

  putSummaries(event: LiveSummaryEvent): SeriesState[] {
    return event.summaries.map((row) => {
      const { device, metric, unit, lastTs, last } = row
      const state = this.ensure({ site: event.site, device, metric, unit, lastTs, lastValue: last })
      state.lastHour.put([row])
      state.lastHour.dropBefore(state.lastTs - 2 * hourMs)
      this.touch(state, lastTs, last)
      return state
    })
  }

  putStatus(status: StatusBody): void {
    const key = `${status.site}/${status.agent}`
    const known = this.agents.get(key)
    this.agents.set(key, known ? { ...known, ...status } : status)
  }

  putCompleteness(devices: readonly DeviceCompleteness[]): void {
    for (const entry of devices) {
      const state = this.device(entry.site, entry.device)
      if (state) state.completeness = entry
    }
  }

  private touch(state: SeriesState, ts: number, value: number): void {
    if (ts >= state.lastTs) {
      state.lastTs = ts
      state.lastValue = value
    }
    const device = this.device(state.site, state.device)
    if (device && ts > device.lastTs) device.lastTs = ts
  }

  private ensure(info: SeriesInfo): SeriesState {
    const key = seriesKey(info)
    const known = this.series.get(key)
    if (known) return known
    const state = { ...info, key, recent: new RecentReadings(), lastHour: new History() }
    this.series.set(key, state)
    this.ensureDevice(info).series.set(info.metric, state)
    this.shape++
    return state
  }

  private ensureDevice({ site, device, lastTs }: SeriesInfo): DeviceState {
    const devices = this.sites.get(site) ?? new Map<string, DeviceState>()
    this.sites.set(site, devices)
    const known = devices.get(device)
    if (known) return known
    const state: DeviceState = { site, device, series: new Map(), lastTs, completeness: undefined }
    devices.set(device, state)
    return state
  }
}
