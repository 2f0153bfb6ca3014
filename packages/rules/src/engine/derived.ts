import { isGood } from '../definition/bounds.ts'
import type { CompiledRule } from '../types.ts'
import type { Core, Window } from './core.ts'
import type { Judgement, Tracks } from './formula.ts'
import type { Host } from './host.ts'
import { formulaOf } from './kinds/index.ts'

/** One rule that judges the windows of one series by others of it. */
export class Derived {
  readonly rule: CompiledRule
  readonly host: Host
  readonly #judgement: Judgement

  constructor(rule: CompiledRule, host: Host, tracks: Tracks) {
    this.rule = rule
    this.host = host
    this.#judgement = formulaOf(rule.kind)!.create(rule.definition, tracks, host.names.metric ?? '')
  }

  /** A value of the series came or changed; nothing but itself looks back at the newest. */
  changed({ start, lengthMs }: Window, newest: boolean, core: Core): void {
    if (newest) this.#judge(start, lengthMs, core)
    else this.#judgement.affected(start, lengthMs, (at) => this.#judge(at, lengthMs, core))
  }

  #judge(start: number, lengthMs: number, core: Core): void {
    const value = this.#judgement.value(start, lengthMs)
    if (Number.isNaN(value)) return
    const { host, rule } = this
    host.line.cover(start, start + lengthMs, core.epoch)
    core.lineChanged(host.line)
    if (host.timelines !== undefined || !isGood(value, rule.bounds)) core.record(host, rule, { start, lengthMs, value })
  }
}
