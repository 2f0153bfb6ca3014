import type { CompiledRule, RuleCompleteness, RuleReading, RuleWindow } from '../types.ts'
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

/** Brings what comes in to the rules that judge it. */
export class Judges {
  readonly groups = new Map<string, Group>()
  readonly #core: Core
  readonly #silences: Silences
  #plans = new Plans([])
  #ofMessages: readonly CompiledRule[] = []
  /** By site, device and metric. */
  readonly #sites = new Map<string, Map<string, Map<string, Entry>>>()
  readonly #devices = new Map<string, Counted | undefined>()

  constructor(core: Core, silences: Silences) {
    this.#core = core
    this.#silences = silences
  }

  use(rules: readonly CompiledRule[]): void {
    this.#plans = new Plans(rules)
    this.#ofMessages = rules.filter(({ kind }) => kind === 'incomplete')
    this.#sites.clear()
    this.#devices.clear()
    this.groups.clear()
  }

  windows(rows: readonly RuleWindow[]): void {
    const { list } = this.#silences
    let [site, device] = ['', '']
    let metrics: ReadonlyMap<string, Entry> = new Map()
    let watched: Watched | undefined
    for (const row of rows) {
      // Rows of a device mostly come together.
      if (row.device !== device || row.site !== site) {
        ;[site, device] = [row.site, row.device]
        metrics = this.#metricsOf(site, device)
        watched = list.find(site, device)
      }
      const entry = metrics.get(row.metric) ?? this.entry(row)
      entry.series?.take(row)
      if (watched) this.#silences.hearWindow(watched, row)
    }
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
      for (const metrics of devices.values()) for (const { series } of metrics.values()) series?.sweep()
    }
  }

  /** Reading rules begin anew: what they came to so far stays, late readings of before do not count. */
  cutReadings(): void {
    for (const devices of this.#sites.values()) {
      for (const metrics of devices.values()) {
        for (const { readings } of metrics.values()) readings?.cut()
      }
    }
  }

  entry({ site, device, metric }: SeriesNames): Entry {
    const metrics = this.#metricsOf(site, device)
    let entry = metrics.get(metric)
    if (entry === undefined) {
      entry = this.#newEntry({ site, device, metric })
      metrics.set(metric, entry)
    }
    return entry
  }

  #metricsOf(site: string, device: string): Map<string, Entry> {
    const known = this.#sites.get(site)?.get(device)
    if (known !== undefined) return known
    const devices = this.#sites.get(site) ?? new Map<string, Map<string, Entry>>()
    const metrics = new Map<string, Entry>()
    this.#sites.set(site, devices.set(device, metrics))
    return metrics
  }

  counted(site: string, device: string): Counted | undefined {
    const path = `${site}/${device}`
    const known = this.#devices.get(path)
    if (known !== undefined || this.#devices.has(path)) return known
    const rules = this.#ofMessages.filter((rule) => rule.selects({ site, device }))
    const names = { site, device, metric: null, agent: null }
    const counted = rules.length > 0 ? { host: this.#core.host(`c/${path}`, names), rules } : undefined
    this.#devices.set(path, counted)
    return counted
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
    if (row.start < host.line.floor(core.horizonMs)) return
    if (host.line.arrive(row, core.epoch) === 'known') return
    core.lineChanged(host.line)
    if (host.names.agent !== row.agent) host.names = { ...host.names, agent: row.agent }
    const missing = Math.max(0, expected - row.messages)
    for (const rule of rules) {
      const share = rule.definition.kind === 'incomplete' && rule.definition.missing !== undefined
      const value = share ? (expected > 0 ? (missing / expected) * 100 : 0) : missing
      core.record(host, rule, { start: row.start, lengthMs: row.lengthMs, value })
    }
  }
}
