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

  /** A value of the series came or changed. */
  changed({ start, lengthMs }: Window, core: Core): void {
    const { host, rule } = this
    this.#judgement.affected(start, lengthMs, (at) => {
      const value = this.#judgement.value(at, lengthMs)
      if (Number.isNaN(value)) return
      host.line.cover(at, at + lengthMs, core.epoch)
      core.lineChanged(host.line)
      core.record(host, rule, { start: at, lengthMs, value })
    })
  }
}
