import { isGood } from '../definition/bounds.ts'
import type { CompiledRule, RuleCompleteness, RuleReading, RuleWindow, WindowRow } from '../types.ts'
import type { Core } from './core.ts'
import { Group } from './group.ts'
import type { Host } from './host.ts'
import { Plans } from './plan.ts'
import { ReadingSeries } from './readings.ts'
import { Series, type SeriesNames } from './series.ts'
import type { Silences } from './silences.ts'
import type { Watched } from './watched.ts'

/** What is done with the windows and readings of a series; undefined where no rule asks for them. */
interface Entry {
  series: Series | undefined
  readings: ReadingSeries | undefined
}

interface Counted {
  host: Host
  rules: readonly CompiledRule[]
}

/** What is kept of a device, so that it is looked for once. */
interface Device {
  site: string
  name: string
  metrics: Map<string, Entry>
  /** Undefined as long as it was not heard, or no rule asks for that. */
  watched: Watched | undefined
}

function isShare({ definition }: CompiledRule): boolean {
  return definition.kind === 'incomplete' && definition.missing !== undefined
}

function percent(part: number, all: number): number {
  return all > 0 ? (part / all) * 100 : 0
}

/** Brings what comes in to the rules that judge it. */
export class Judges {
  readonly groups = new Map<string, Group>()
  readonly #core: Core
  readonly #silences: Silences
  #plans = new Plans([])
  #ofMessages: readonly CompiledRule[] = []
  readonly #sites = new Map<string, Map<string, Device>>()
  readonly #counted = new Map<string, Map<string, Counted | undefined>>()
  /** Rows of a device mostly come together. */
  #last: Device | undefined

  constructor(core: Core, silences: Silences) {
    this.#core = core
    this.#silences = silences
  }

  use(rules: readonly CompiledRule[]): void {
    this.#plans = new Plans(rules)
    this.#ofMessages = rules.filter(({ kind }) => kind === 'incomplete')
    this.#sites.clear()
    this.#counted.clear()
    this.#last = undefined
    this.groups.clear()
  }

  windows(rows: readonly RuleWindow[]): void {
    for (const row of rows) this.window(row, row.site, row.agent)
  }

  window(row: WindowRow, site: string, agent: string | null): void {
    const device = this.#device(site, row.device)
    const entry = device.metrics.get(row.metric) ?? this.#entryOf(device, row.metric)
    entry.series?.take(row, agent)
    device.watched ??= this.#silences.list.find(site, row.device)
    if (device.watched) this.#silences.hearWindow(device.watched, row)
  }

  completeness(rows: readonly RuleCompleteness[]): void {
    for (const row of rows) {
      const counted = this.counted(row.site, row.device)
      if (counted && row.expected !== null) this.#count(counted, row, row.expected)
    }
  }

  readings(rows: readonly RuleReading[]): void {
    for (const row of rows) this.entry(row).readings?.take(row)
  }

  /** Judges what waited for other series. */
  settle(): void {
    for (const group of this.groups.values()) group.settle(this.#core)
  }

  sweep(): void {
    for (const devices of this.#sites.values()) {
      for (const { metrics } of devices.values()) for (const { series } of metrics.values()) series?.sweep()
    }
  }

  /** Reading rules begin anew: what they came to so far stays, late readings of before do not count. */
  cutReadings(): void {
    for (const devices of this.#sites.values()) {
      for (const { metrics } of devices.values()) {
        for (const { readings } of metrics.values()) readings?.cut()
      }
    }
  }

  entry({ site, device, metric }: SeriesNames): Entry {
    const found = this.#device(site, device)
    return found.metrics.get(metric) ?? this.#entryOf(found, metric)
  }

  #entryOf({ site, name: device, metrics }: Device, metric: string): Entry {
    const entry = this.#newEntry({ site, device, metric })
    metrics.set(metric, entry)
    return entry
  }

  #device(site: string, name: string): Device {
    const last = this.#last
    if (last !== undefined && last.name === name && last.site === site) return last
    this.#last = this.#sites.get(site)?.get(name) ?? this.#newDevice(site, name)
    return this.#last
  }

  #newDevice(site: string, name: string): Device {
    const devices = this.#sites.get(site) ?? new Map<string, Device>()
    const device: Device = { site, name, metrics: new Map(), watched: undefined }
    this.#sites.set(site, devices.set(name, device))
    return device
  }

  counted(site: string, device: string): Counted | undefined {
    const known = this.#counted.get(site)
    const counted = known?.get(device)
    if (counted !== undefined || known?.has(device)) return counted
    const made = this.#newCounted(site, device)
    this.#counted.set(site, (known ?? new Map()).set(device, made))
    return made
  }

  #newCounted(site: string, device: string): Counted | undefined {
    const rules = this.#ofMessages.filter((rule) => rule.selects({ site, device }))
    const names = { site, device, metric: null, agent: null }
    return rules.length > 0 ? { host: this.#core.host(`c/${site}/${device}`, names), rules } : undefined
  }

  #newEntry(names: SeriesNames): Entry {
    const core = this.#core
    const plan = this.#plans.of(names)
    const groupOf = (rule: CompiledRule, { site, metric }: SeriesNames) => this.#group(rule, site, metric)
    const path = `${names.site}/${names.device}/${names.metric}`
    const host = () => core.host(`r/${path}`, { ...names, agent: null })
    return {
      series: plan.judges ? new Series(names, { core, plan, groupOf }) : undefined,
      readings: plan.readings.length > 0 ? new ReadingSeries(host(), core, plan.readings) : undefined,
    }
  }

  #group(rule: CompiledRule, site: string, metric: string): Group {
    const key = `g/${rule.id}/${site}/${metric}`
    let group = this.groups.get(key)
    if (group === undefined) {
      group = new Group(rule, this.#core.host(key, { site, device: null, metric, agent: null }))
      this.groups.set(key, group)
    }
    return group
  }

  #count({ host, rules }: Counted, row: RuleCompleteness, expected: number): void {
    const core = this.#core
    if (!host.line.take(row, core.epoch, core.horizonMs)) return
    core.lineChanged(host.line)
    if (host.names.agent !== row.agent) host.names = { ...host.names, agent: row.agent }
    const missing = Math.max(0, expected - row.messages)
    for (const rule of rules) {
      const value = isShare(rule) ? percent(missing, expected) : missing
      if (host.timelines === undefined && isGood(value, rule.bounds)) continue
      core.record(host, rule, { start: row.start, lengthMs: row.lengthMs, value })
    }
  }
}
