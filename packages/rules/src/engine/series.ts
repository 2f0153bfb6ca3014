import type { SummaryField } from '../definition/schema.ts'
import type { CompiledRule, WindowRow } from '../types.ts'
import type { Core } from './core.ts'
import { Derived } from './derived.ts'
import type { Group } from './group.ts'
import type { Host } from './host.ts'
import { type Plan, readers } from './plan.ts'
import type { Track } from './track.ts'

export interface SeriesNames {
  site: string
  device: string
  metric: string
}

interface Memory {
  field: SummaryField
  read: (row: WindowRow) => number | null
  track: Track
  reachMs: number
}

export interface SeriesContext {
  core: Core
  plan: Plan
  /** The group of a rule that the series belongs to. */
  groupOf(rule: CompiledRule, series: SeriesNames): Group
}

/** A series that rules judge: takes its windows in any order. */
export class Series {
  readonly host: Host
  readonly #core: Core
  readonly #plan: Plan
  readonly #memories: Memory[]
  readonly #derived: Derived[]
  readonly #groups: Group[]

  constructor(names: SeriesNames, { core, plan, groupOf }: SeriesContext) {
    const path = `${names.site}/${names.device}/${names.metric}`
    this.#core = core
    this.#plan = plan
    this.host = core.host(`s/${path}`, { ...names, agent: null })
    this.#memories = [...plan.remembered].map(([field, reachMs]) => {
      return { field, read: readers[field], reachMs, track: core.track(`v/${path}/${field}`) }
    })
    const tracks = new Map(this.#memories.map(({ field, track }) => [field, track]))
    this.#derived = plan.derived.map(
      (rule) => new Derived(rule, core.host(`d/${rule.id}/${path}`, { ...names, agent: null }), tracks),
    )
    this.#groups = plan.groups.map((rule) => {
      const group = groupOf(rule, names)
      if (rule.definition.kind === 'group') group.join(names.device, tracks.get(rule.definition.field)!)
      return group
    })
    this.#tellNames()
  }

  take(row: WindowRow, agent: string | null): void {
    const { host } = this
    const core = this.#core
    if (!host.line.take(row, core.epoch, core.horizonMs)) return
    core.lineChanged(host.line)
    if (row.unit !== host.unit || agent !== host.names.agent) this.#rename(row.unit, agent)
    if (host.timelines !== undefined || !this.#healthy(row)) this.#judge(row)
    if (this.#memories.length > 0) this.#remember(row)
  }

  /** Forgets values that no judgement looks at any more. */
  sweep(): void {
    const floor = this.host.line.floor(this.#core.horizonMs)
    for (const { track, reachMs } of this.#memories) this.#forget(track, floor - reachMs)
  }

  #forget(track: Track, floor: number): void {
    track.each(Number.NEGATIVE_INFINITY, floor, (start) => this.#core.sampleChanged(track.id, start))
    track.dropBefore(floor)
  }

  #healthy(row: WindowRow): boolean {
    for (const { read, low, high } of this.#plan.guards) {
      const value = read(row)!
      if (!(value >= low && value <= high)) return false
    }
    return true
  }

  #judge(row: WindowRow): void {
    const { start, lengthMs } = row
    for (const { rule, field } of this.#plan.thresholds) {
      const value = row[field]
      if (value !== null) this.#core.record(this.host, rule, { start, lengthMs, value })
    }
  }

  #remember(row: WindowRow): void {
    const floor = this.host.line.floor(this.#core.horizonMs)
    for (const { read, track, reachMs } of this.#memories) {
      if (track.isFar(row.start, floor - reachMs)) this.#forget(track, floor - reachMs)
      if (track.set(row, read(row) ?? Number.NaN)) this.#core.sampleChanged(track.id, row.start)
    }
    const newest = row.start + row.lengthMs === this.host.line.newest
    for (const derived of this.#derived) derived.changed(row, newest, this.#core)
    for (const group of this.#groups) group.changed(row)
  }

  #rename(unit: string, agent: string | null): void {
    this.host.unit = unit
    this.#core.registry.setNote(this.host.line.id, unit)
    this.host.names = { ...this.host.names, agent }
    this.#tellNames()
  }

  #tellNames(): void {
    const { unit, names } = this.host
    for (const { host } of this.#derived) Object.assign(host, { unit, names })
    if (unit !== '') for (const group of this.#groups) group.host.unit = unit
  }
}
