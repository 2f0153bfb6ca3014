import type { Alert } from '@millrace/contracts'
import { type CompiledRule, createEngine, type Engine, type RuleHeard } from '@millrace/rules'
import { inOrder } from './episodes.ts'
import type { Judgement } from './judgement.ts'
import type { Past, ShowProgress } from './past.ts'
import { type PastStep, stepsOf } from './past-steps.ts'

/** Name of the agent that devices of the past are taken to be behind, and of who judges. */
const pastAgent = 'past'
const horizonMs = 24 * 3_600_000
const progressEvery = 200

/** On the past one judge has all rules, whoever owns them. */
export function createPastEngine(rules: readonly CompiledRule[]): Engine {
  const owned = rules.map((rule): CompiledRule => ({ ...rule, at: 'cloud' }))
  return createEngine({ rules: owned, owner: 'cloud', evaluator: pastAgent, horizonMs })
}

/** Lets rules judge a past, moment by moment. The same past and rules give the same alerts. */
export async function judge(past: Past, engine: Engine, progress: ShowProgress): Promise<Judgement> {
  const steps = stepsOf(past)
  const alerts = new Map<string, Alert>()
  const replay = new Replay(engine, past)
  for (const [place, step] of steps.entries()) {
    replay.take(step)
    for (const alert of engine.takeAlerts()) alerts.set(alert.id, alert)
    if (place % progressEvery !== 0) continue
    // Nothing is kept; but what is too old to change is forgotten when changes are taken.
    engine.takeChanges()
    progress(`judged ${place} of ${steps.length} windows of time`)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const fromMs = past.windows.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY)
  const stayed = [...alerts.values()].filter(({ state }) => state !== 'withdrawn')
  return {
    alerts: inOrder(stayed),
    span: steps.length === 0 ? { fromMs: 0, toMs: 0 } : { fromMs, toMs: steps.at(-1)!.atMs },
    windows: past.windows.length,
  }
}

class Replay {
  readonly #engine: Engine
  readonly #sites: string[]
  #sinceMs: number | undefined

  constructor(engine: Engine, { windows }: Past) {
    this.#engine = engine
    this.#sites = [...new Set(windows.map(({ site }) => site))]
  }

  take(step: PastStep): void {
    const fromMs = Math.min(step.atMs, ...step.windows.map(({ start }) => start))
    // What was silent until now is judged silent before it is heard again.
    this.#agents(fromMs)
    this.#engine.advance(fromMs)
    this.#engine.heard(heardIn(step))
    this.#engine.readings(step.readings)
    this.#engine.windows(step.windows)
    this.#engine.completeness(step.completeness)
    this.#agents(step.atMs)
    this.#engine.advance(step.atMs)
  }

  #agents(at: number): void {
    this.#sinceMs ??= at
    for (const site of this.#sites) {
      this.#engine.agent({ site, agent: pastAgent, at, online: true, since: this.#sinceMs })
    }
  }
}

/** When each device was first heard in a step, and behind which agent it is; windows tell the rest. */
function heardIn({ windows }: PastStep): RuleHeard[] {
  const heard = new Map<string, RuleHeard>()
  for (const { site, device, firstTs } of windows) {
    const key = `${site}/${device}`
    const ts = Math.min(firstTs, heard.get(key)?.ts ?? firstTs)
    heard.set(key, { site, device, agent: pastAgent, ts })
  }
  return [...heard.values()]
}
