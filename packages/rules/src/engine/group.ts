import type { DefinitionOf, GroupAggregate } from '../definition/schema.ts'
import type { CompiledRule } from '../types.ts'
import type { Core, Window } from './core.ts'
import type { Host } from './host.ts'
import { floorOf } from './line.ts'
import type { Track } from './track.ts'

const aggregates: Record<GroupAggregate, (values: readonly number[]) => number> = {
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => values.reduce((least, value) => Math.min(least, value)),
  max: (values) => values.reduce((most, value) => Math.max(most, value)),
  count: (values) => values.length,
  spread: (values) => aggregates.max(values) - aggregates.min(values),
}

/**
 * One rule over the series of one metric of a site. A window is judged when all known series have it, or one of them
 * has a later one; so the newest waits for whoever is slow, and no longer than one window.
 */
export class Group {
  readonly host: Host
  readonly #rule: CompiledRule
  readonly #aggregate: (values: readonly number[]) => number
  /** By name of the device, so that sums do not depend on who came first. */
  readonly #members = new Map<string, Track>()
  #inOrder: Track[] | undefined
  /** Lengths of windows that changed and are not judged yet, by start. */
  readonly #waiting = new Map<number, number>()
  #newest = Number.NEGATIVE_INFINITY

  constructor(rule: CompiledRule, host: Host) {
    this.#rule = rule
    this.host = host
    this.#aggregate = aggregates[(rule.definition as DefinitionOf<'group'>).of]
  }

  join(device: string, track: Track): void {
    if (this.#members.has(device)) return
    this.#members.set(device, track)
    this.#inOrder = undefined
  }

  get #tracks(): Track[] {
    this.#inOrder ??= [...this.#members].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member)
    return this.#inOrder
  }

  changed({ start, lengthMs }: Window): void {
    this.#waiting.set(start, lengthMs)
    this.#newest = Math.max(this.#newest, start)
  }

  /** What waits is not kept: it is the windows of the members that no judgement covers. */
  resume(): void {
    const line = this.host.line
    for (const { newest, stepMs } of this.#tracks) {
      if (stepMs > 0 && !line.covers(newest)) this.changed({ start: newest, lengthMs: stepMs })
      if (stepMs > 0) this.#newest = Math.max(this.#newest, newest)
    }
  }

  /** Judges what can be judged. */
  settle(core: Core): void {
    const floor = floorOf(this.#newest, core.horizonMs)
    for (const [start, lengthMs] of this.#waiting) {
      if (start < floor) this.#waiting.delete(start)
      else this.#judge({ start, lengthMs }, core)
    }
  }

  #judge({ start, lengthMs }: Window, core: Core): void {
    const values = this.#valuesAt(start)
    if (values === undefined) return
    this.#waiting.delete(start)
    const { host } = this
    host.line.cover(start, start + lengthMs, core.epoch)
    core.lineChanged(host.line)
    core.record(host, this.#rule, { start, lengthMs, value: this.#aggregate(values) })
  }

  /** Of its members; undefined where it waits for some. */
  #valuesAt(start: number): number[] | undefined {
    const mayLack = start !== this.#newest
    const values: number[] = []
    for (const track of this.#tracks) {
      const value = track.get(start)
      if (!Number.isNaN(value)) values.push(value)
      else if (!mayLack) return undefined
    }
    return values.length > 0 ? values : undefined
  }
}
