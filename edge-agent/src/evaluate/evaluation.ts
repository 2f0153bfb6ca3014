import type { Alert } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import type { CompiledRule, Engine } from '@millrace/rules'
import type { Statement } from '@millrace/spool'
import type { JournalEntry, Keeper } from '@millrace/windows'
import type { ClosedRows, Judge, Verdict } from '../checkpoint.ts'
import type { Names } from '../names.ts'
import { mergeBoots } from './completeness.ts'
import { Heard } from './heard.ts'
import { LiveReadings } from './live-readings.ts'

/** Rules to be in force from the next checkpoint on, with what must be kept of them. */
export interface RuleChange {
  rules: readonly CompiledRule[]
  state: Verdict['state']
}

export interface EvaluationOptions {
  engine: Engine
  names: Names
  agent: string
  /** The agent's own. */
  site: string
  clock: Clock
  /** Who is told of alerts, in the transaction that keeps them. */
  plan(alerts: readonly Alert[]): { statements: readonly Statement[]; committed(): void }
  log: Logger
  /** Keys in the spool that mean nothing to the engine. */
  stale?: readonly string[]
}

const enginePrefix = 'engine/'

/** Key in the spool of a state of the engine. */
function engineKey(key: string): string {
  return `${enginePrefix}${key}`
}

/** State of the engine among what the spool keeps of the rules. */
export function engineState(saved: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const own = [...saved].filter(([key]) => key.startsWith(enginePrefix))
  return new Map(own.map(([key, bytes]) => [key.slice(enginePrefix.length), bytes]))
}

/** How soon after the last checkpoint the next is made, ms: for silence, and where an alert waits. */
const patientMs = 5_000
const hurriedMs = 500

/** Then other events get a turn. */
const rowsAtOnce = 500

const nothing: Verdict = { alerts: [], state: [], statements: [] }

/**
 * Judges the windows of each checkpoint and, for the rules that want them, readings as they enter the windows. State and
 * alerts are taken in a checkpoint only, so they are those of the journal entries that it covers.
 * Rules never endanger readings: where judging fails it ends until the next start, and says so.
 */
export class Evaluation implements Judge {
  readonly #options: EvaluationOptions
  readonly #live: LiveReadings
  readonly #heard: Heard
  #waiting: Alert[] = []
  /** Active since before the start: a channel that is new may not know of them. */
  #standing: readonly Alert[]
  #stale: Verdict['state']
  #failure: string | null = null
  #change: RuleChange | undefined
  #committed: () => void = () => undefined
  /** On the monotonic scale; undefined while devices cannot be heard. */
  #listeningMs: number | undefined
  /** Alerts raised since the start, with those that were over when they were learned. */
  raised = 0

  constructor(options: EvaluationOptions) {
    this.#options = options
    this.#live = new LiveReadings(options.names)
    this.#heard = new Heard(options.names, options.agent)
    this.#standing = options.engine.active()
    this.#stale = (options.stale ?? []).map((key) => ({ key, bytes: null }))
  }

  /** Alerts now active. */
  get active(): number {
    return this.#options.engine.active().length
  }

  /** Why nothing is judged any more; null while all is well. */
  get failure(): string | null {
    return this.#failure
  }

  get patienceMs(): number {
    if (this.#failure !== null) return Number.POSITIVE_INFINITY
    return this.#waiting.length > 0 || this.#change ? hurriedMs : patientMs
  }

  /** Whether devices can be heard from now on: nobody is silent for not having been listened to. */
  hears(can: boolean): void {
    if (!can) this.#listeningMs = undefined
    else this.#listeningMs ??= this.#options.clock.monotonic()
  }

  /** Other rules from the next checkpoint on. */
  use(change: RuleChange): void {
    this.#change = change
  }

  see(entry: JournalEntry, keeper: Keeper): void {
    if (entry.kind !== 'data' || this.#failure !== null) return
    const { engine } = this.#options
    try {
      if (this.#live.see(entry.batch, engine, keeper)) this.#waiting.push(...engine.takeAlerts())
    } catch (error) {
      this.#fail(error)
    }
  }

  async judge(closed: ClosedRows, keeper: Keeper): Promise<Verdict> {
    if (this.#failure !== null) return nothing
    try {
      return await this.#judge(closed, keeper)
    } catch (error) {
      this.#fail(error)
      return nothing
    }
  }

  async #judge(closed: ClosedRows, keeper: Keeper): Promise<Verdict> {
    const { engine, plan } = this.#options
    const kept = [...this.#stale, ...this.#changeRules()]
    this.#tellTime(keeper)
    await this.#tellRows(closed)
    const alerts = [...this.#waiting, ...engine.takeAlerts()]
    const state = engine.takeChanges().map(({ key, bytes }) => ({ key: engineKey(key), bytes }))
    const { statements, committed } = plan([...this.#standing, ...alerts])
    this.#waiting = []
    this.#standing = []
    this.#stale = []
    this.#committed = committed
    this.raised += alerts.filter(({ change, rev }) => rev === 0 && change !== 'moved').length
    return { alerts, state: [...kept, ...state], statements }
  }

  #fail(error: unknown): void {
    this.#failure = `rules are judged no more until the next start: ${String(error)}`
    this.#options.log.error({ error }, 'alert rules failed: nothing is judged until the next start')
  }

  committed(): void {
    this.#committed()
    this.#committed = () => undefined
  }

  #changeRules(): Verdict['state'] {
    if (!this.#change) return []
    const { rules, state } = this.#change
    this.#change = undefined
    this.#options.engine.use(rules)
    this.#live.forget()
    this.#heard.forget()
    return state
  }

  /** First who was heard, then until when: only then is anybody silent. */
  #tellTime(keeper: Keeper): void {
    const { engine, clock, agent, site } = this.#options
    const at = Math.round(keeper.timeAt(clock.monotonic()))
    if (Number.isNaN(at)) return
    engine.heard(this.#heard.take(keeper, at, engine.hearingMs))
    if (this.#listeningMs !== undefined) {
      engine.agent({ site, agent, at, online: true, since: Math.round(keeper.timeAt(this.#listeningMs)) })
    }
    engine.advance(at)
  }

  async #tellRows({ summaries, completeness }: ClosedRows): Promise<void> {
    const { engine, names, agent } = this.#options
    for (let at = 0; at < summaries.length; at++) {
      const { device, row } = summaries[at]!
      engine.window(row, names.siteOf(device), agent)
      if (at % rowsAtOnce === rowsAtOnce - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    const namesOf = (device: number) => ({ site: names.siteOf(device), agent })
    if (completeness.length > 0) engine.completeness(mergeBoots(completeness, namesOf))
  }
}
