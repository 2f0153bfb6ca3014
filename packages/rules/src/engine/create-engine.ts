import type { Alert, RuleOwner } from '@millrace/contracts'
import type {
  CompiledRule,
  Engine,
  RuleAgent,
  RuleCompleteness,
  RuleHeard,
  RuleReading,
  RuleStateChange,
  RuleWindow,
  WindowRow,
} from '../types.ts'
import { Core } from './core.ts'
import { Judges } from './judges.ts'
import { hostKindOf, ownerOf, splitTimelineKey } from './keys.ts'
import {
  type Carried,
  carryOn,
  type Parts,
  restoreEntries,
  restorePresences,
  restoreSamples,
  restoreSubjects,
  restoreTimelines,
} from './restore.ts'
import { Silences } from './silences.ts'
import { type SavedMeta, StateWriter } from './state.ts'

export interface EngineOptions {
  /** Of any owner: only those of `owner` are judged. */
  rules: readonly CompiledRule[]
  owner: RuleOwner
  /** Name of who judges. */
  evaluator: string
  /** Windows older than this behind the newest of their series are not judged any more, ms; 24 h unless given. */
  horizonMs?: number
}

const dayMs = 86_400_000
const hourMs = 3_600_000

type Saved = ReadonlyMap<string, Uint8Array>
type Known = SavedMeta['rules']

class RuleEngine implements Engine {
  readonly #parts: Parts
  readonly #writer: StateWriter
  readonly #owner: RuleOwner
  #rules: readonly CompiledRule[] = []
  #known: Known = {}

  constructor({ rules, owner, horizonMs = dayMs }: EngineOptions, saved: Saved) {
    const core = new Core(horizonMs)
    const silences = new Silences(core)
    this.#parts = { core, silences, judges: new Judges(core, silences) }
    this.#writer = new StateWriter(core, silences)
    this.#owner = owner
    const meta = restoreSubjects(saved, this.#parts)
    this.#known = meta?.rules ?? {}
    const same = this.#inForce(rules)
    restorePresences(saved, this.#parts)
    restoreSamples(saved, this.#parts, same)
    this.#carry(restoreTimelines(saved, this.#parts, same))
    this.#resume()
  }

  windows(rows: readonly RuleWindow[]): void {
    this.#parts.judges.windows(rows)
  }

  window(row: WindowRow, site: string, agent: string | null): void {
    this.#parts.judges.window(row, site, agent)
  }

  completeness(rows: readonly RuleCompleteness[]): void {
    this.#parts.judges.completeness(rows)
  }

  readings(rows: readonly RuleReading[]): void {
    this.#parts.judges.readings(rows)
  }

  wantsReadings(series: { site: string; device: string; metric: string }): boolean {
    return this.#parts.judges.entry(series).readings !== undefined
  }

  heard(rows: readonly RuleHeard[]): void {
    for (const row of rows) this.#parts.silences.hear(row, row.ts, row.ts)
  }

  get hearingMs(): number {
    return this.#parts.silences.list.leastForMs / 2
  }

  agent(state: RuleAgent): void {
    this.#parts.silences.agent(state)
  }

  advance(nowMs: number): void {
    this.#parts.core.now = nowMs
    this.#parts.silences.advance(nowMs)
  }

  use(rules: readonly CompiledRule[]): void {
    const { core, judges } = this.#parts
    judges.settle()
    core.tell(core.takeAlerts())
    const others = this.#changedOf(rules)
    if (this.#rules.some((rule) => others.has(rule.id) && hostKindOf(rule) === 'r')) judges.cutReadings()
    const carried = this.#dropTimelines(others)
    const same = this.#inForce(rules)
    for (const timeline of core.timelines.values()) timeline.rule = same.get(timeline.rule.id) ?? timeline.rule
    this.#carry(carried)
    for (const group of judges.groups.values()) group.resume()
  }

  takeAlerts(): Alert[] {
    this.#parts.judges.settle()
    return this.#parts.core.takeAlerts()
  }

  takeChanges(): RuleStateChange[] {
    const { core, judges, silences } = this.#parts
    judges.settle()
    const hour = Math.floor(core.now / hourMs)
    if (hour !== core.sweptHour) {
      core.sweptHour = hour
      judges.sweep()
      core.sweep()
      silences.sweep()
    }
    return this.#writer.take(this.#known)
  }

  active(): Alert[] {
    return [...this.#parts.core.timelines.values()].flatMap(({ book }) => book.active ?? [])
  }

  /** Answers with the alerts of the rules that are active. */
  #dropTimelines(rules: ReadonlySet<string>): Carried[] {
    const { core } = this.#parts
    const dropped = [...core.timelines.values()].filter(({ rule }) => rules.has(rule.id))
    for (const timeline of dropped) core.drop(timeline)
    return dropped.flatMap(({ key, book }) => (book.active ? [{ key, alert: book.active }] : []))
  }

  /** Ids of rules that are gone, new or different. */
  #changedOf(rules: readonly CompiledRule[]): Set<string> {
    const own = new Map(rules.filter(({ at }) => at === this.#owner).map(({ id, version }) => [id, version]))
    const ids = new Set([...Object.keys(this.#known), ...own.keys()])
    return new Set([...ids].filter((id) => this.#known[id]?.[0] !== own.get(id)))
  }

  /** Puts rules in force for all subjects known; answers with those that are the same as before. */
  #inForce(rules: readonly CompiledRule[]): Map<string, CompiledRule> {
    const { core, judges, silences } = this.#parts
    const others = this.#changedOf(rules)
    const own = rules.filter(({ at }) => at === this.#owner)
    const fresh = own.filter(({ id }) => others.has(id))
    if (fresh.length > 0 && core.hosts.size > 0) core.epoch++
    const known: Known = {}
    for (const { id, version } of own) known[id] = [version, others.has(id) ? core.epoch : this.#known[id]![1]]
    this.#known = known
    this.#rules = own
    for (const [id, [, epoch]] of Object.entries(known)) core.epochs.set(id, epoch)
    this.#dropHosts(others)
    core.releaseTracks()
    judges.use(own)
    silences.list.use(own)
    restoreEntries(this.#parts)
    core.forgetUnused()
    return new Map(own.filter(({ id }) => !others.has(id)).map((rule) => [rule.id, rule]))
  }

  /** A rule's own windows are none of another rule. */
  #dropHosts(rules: ReadonlySet<string>): void {
    const { core } = this.#parts
    for (const [key, host] of core.hosts) if (rules.has(ownerOf(key) ?? '')) core.dropHost(host)
  }

  #carry(carried: readonly Carried[]): void {
    for (const one of carried) {
      const rule = this.#rules.find(({ id }) => id === splitTimelineKey(one.key).rule)
      carryOn(this.#parts, one, rule)
    }
  }

  #resume(): void {
    const { core, judges } = this.#parts
    for (const timeline of core.timelines.values()) timeline.resume()
    for (const group of judges.groups.values()) group.resume()
  }
}

/**
 * Makes an engine that goes on from what `takeChanges` of another one gave to keep. Active alerts of rules that are no
 * longer there are withdrawn.
 */
export function createEngine(options: EngineOptions, saved: Saved = new Map()): Engine {
  return new RuleEngine(options, saved)
}
