import type { Alert } from '@millrace/contracts'
import type { NotifyPlan } from '@millrace/notify'
import { backoff, type Clock, type Logger, pause } from '@millrace/pipeline'
import type { CompiledRule, Engine, RuleStateChange } from '@millrace/rules'
import type { ChangedWindow, ChangeLog, Changes } from '../changes.ts'
import type { EvaluationPlace, EvaluationSpool, EvaluationStep } from '../evaluation.ts'
import type { StoredRow } from '../stored.ts'
import { Tally } from '../tally.ts'
import type { LiveReadings } from './live-readings.ts'
import type { Presence } from './presence.ts'
import { toRuleCompleteness, toRuleWindow } from './rule-rows.ts'

const changesPerStep = 2_000
/** Real time between looks at the clock while nothing comes. */
const tickMs = 1_000
const retryLimits = { minMs: 200, maxMs: 10_000 }
/** Rows received before the horizon may be of windows within it. */
const placeMarginMs = 3_600_000

export interface EvaluatorOptions {
  engine: Engine
  log: ChangeLog
  spool: EvaluationSpool
  presence: Presence
  readings: LiveReadings
  clock: Clock
  logger: Logger
  horizonMs: number
  /** One row for each window that can be merged. */
  merge(windows: readonly ChangedWindow[]): StoredRow[]
  plan(alerts: readonly Alert[]): NotifyPlan
  /** Whether agents could have been heard: else nobody is found silent. */
  listening(): boolean
}

interface Pending {
  step: EvaluationStep
  committed(): void
}

/** Rules to be in force from the next step on, with what must be kept of them. */
export interface RulesChange {
  rules: readonly CompiledRule[]
  state: readonly RuleStateChange[]
}

/**
 * Lets the rules judge the log of changed rows at their own pace: read on from the cursor, judge, and keep alerts, state,
 * notices and cursor in one transaction. Ended between any two steps, the step is done again from the state before it.
 */
export class Evaluator {
  private readonly options: EvaluatorOptions
  readonly tally = new Tally()
  private place: EvaluationPlace = { cursor: 0, historyUpTo: 0 }
  private pending: Pending | undefined
  private change: RulesChange | undefined
  /** What is active is planned once at every start, as channels may be new. */
  private activeIsPlanned = false
  private tries = 0
  private error: string | null = null

  constructor(options: EvaluatorOptions) {
    this.options = options
  }

  /** Log entries not yet judged, and why where nothing is judged. */
  state(): { behind: number; error: string | null } {
    return { behind: Math.max(0, this.options.log.head() - this.place.cursor), error: this.error }
  }

  use(change: RulesChange): void {
    this.change = change
  }

  /** Resolves when the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let begun = false
    while (!signal.aborted) {
      try {
        if (!begun) await this.begin()
        begun = true
        const busy = await this.step()
        this.recovered()
        if (!busy) await this.idle(signal)
      } catch (error) {
        await this.failed(error, signal)
      }
    }
  }

  /** Where rules are new, or were away for longer than they look back, they begin one horizon ago. */
  async begin(): Promise<void> {
    const { spool, log, clock, horizonMs, presence } = this.options
    presence.know(await spool.heard())
    const known = await spool.place()
    const sinceMs = clock.now() - horizonMs
    const next = known && (await spool.receivedAfter(known.cursor))
    const goesOn = known !== undefined && (next === undefined || next >= sinceMs - placeMarginMs)
    this.place = goesOn ? known : { cursor: await spool.placeAt(sinceMs - placeMarginMs), historyUpTo: log.head() }
  }

  /** One stretch of the log and the time; false where there was nothing to judge. */
  async step(): Promise<boolean> {
    if (this.pending) await this.write(this.pending)
    const { log } = this.options
    const behind = log.head() > this.place.cursor
    const changes = behind ? await log.read(this.place.cursor, changesPerStep) : undefined
    const beganMs = performance.now()
    const state = this.changeRules()
    this.judge(changes)
    const alerts = this.takeAlerts()
    if (changes === undefined && alerts.length === 0 && state.length === 0 && this.activeIsPlanned) return false
    this.pending = this.prepare({ alerts, state, cursor: changes?.upTo ?? this.place.cursor })
    await this.write(this.pending)
    this.tally.passed((changes?.windows.length ?? 0) + (changes?.completeness.length ?? 0), performance.now() - beganMs)
    return behind
  }

  private changeRules(): readonly RuleStateChange[] {
    if (!this.change) return []
    const { rules, state } = this.change
    this.change = undefined
    this.options.engine.use(rules)
    this.options.readings.forget()
    return state
  }

  /** Time goes on before agents speak, so that what they end is dated by it; both wait while nobody could be heard. */
  private judge(changes: Changes | undefined): void {
    const { engine, presence, readings, clock, listening } = this.options
    const heard = presence.takeHeard()
    if (heard.length > 0) engine.heard(heard)
    if (listening()) {
      engine.advance(clock.now())
      for (const agent of presence.takeAgents()) engine.agent(agent)
    }
    if (changes) this.judgeRows(changes)
    const live = readings.take()
    if (live.length > 0) engine.readings(live)
  }

  private judgeRows({ windows, completeness }: Changes): void {
    const { engine, merge, presence } = this.options
    const wanted = this.inHistory ? this.options.clock.now() - this.options.horizonMs : Number.NEGATIVE_INFINITY
    const rows = merge(windows.filter(({ start }) => start >= wanted))
    const shares = completeness.filter(({ start }) => start >= wanted)
    if (rows.length > 0) engine.windows(rows.map(toRuleWindow))
    if (shares.length === 0) return
    engine.completeness(shares.map((row) => toRuleCompleteness(row, presence.agentOf(row.site, row.device))))
  }

  private takeAlerts(): Alert[] {
    const learned = Math.round(this.options.clock.now())
    return this.options.engine.takeAlerts().map((alert) => ({ ...alert, learned }))
  }

  private get inHistory(): boolean {
    return this.place.cursor < this.place.historyUpTo
  }

  /** History is recorded only; at its end, and once at every start, what is active then is told. */
  private prepare({ alerts, state, cursor }: { alerts: Alert[]; state: readonly RuleStateChange[]; cursor: number }) {
    const { engine, plan, clock } = this.options
    const place = { ...this.place, cursor }
    const wasHistory = this.inHistory
    const isHistory = cursor < place.historyUpTo
    const active = isHistory || (this.activeIsPlanned && !wasHistory) ? [] : engine.active()
    this.activeIsPlanned = !isHistory
    const told = new Set(alerts.map(({ id }) => id))
    const { statements, committed } = plan(
      wasHistory ? active : [...alerts, ...active.filter(({ id }) => !told.has(id))],
    )
    const kept = [...state, ...engine.takeChanges().map(({ key, bytes }) => ({ key: `engine/${key}`, bytes }))]
    return { step: { place, alerts, state: kept, statements, atMs: clock.now() }, committed }
  }

  /** What could not be written is written before anything else: the engine is already beyond it. */
  private async write(pending: Pending): Promise<void> {
    await this.options.spool.commit(pending.step)
    this.pending = undefined
    this.place = pending.step.place
    pending.committed()
  }

  private async idle(signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(tickMs)
    await this.options.log.changed(this.place.cursor, AbortSignal.any([signal, timeout]))
  }

  private recovered(): void {
    if (this.error !== null) this.options.logger.info({}, 'rules are evaluated again')
    this.error = null
    this.tries = 0
  }

  private async failed(error: unknown, signal: AbortSignal): Promise<void> {
    const message = error instanceof Error ? error.message : String(error)
    this.tries++
    if (message !== this.error && !signal.aborted)
      this.options.logger.warn({ tries: this.tries }, `rules wait: ${message}`)
    this.error = message
    await pause(backoff(this.tries, retryLimits), signal).catch(() => undefined)
  }
}
