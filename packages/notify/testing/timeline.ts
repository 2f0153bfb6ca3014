import type { Alert, Silence } from '@millrace/contracts'
import { checkConfig } from '@millrace/pipeline'
import { notifySchema } from '../src/config.ts'
import { Planner } from '../src/planner.ts'
import { type Policy, policyOf } from '../src/policy.ts'
import type { Channel, Notice } from '../src/types.ts'
import { t0 } from './alerts.ts'

export interface TimelineOptions {
  /** The setting `notify`, without channels. */
  pace?: Record<string, unknown>
  channel?: Record<string, unknown>
  tells?: Channel['tells']
  startMs?: number
  maxHeld?: number
}

/** One channel and its planner in seconds of a clock of their own; what is sent arrives unless the channel is down. */
export class Timeline {
  readonly policy: Policy
  readonly notices: Notice[] = []
  readonly #startMs: number
  planner: Planner
  #nowMs: number
  down = false

  constructor({ pace = {}, channel = {}, tells = 'notices', startMs = t0, maxHeld }: TimelineOptions = {}) {
    const settings = { type: 'log', name: 'ops', ...channel }
    const config = checkConfig({ channels: [settings], ...pace }, notifySchema, 'a test')
    this.policy = { ...policyOf(config.channels[0], tells, config), ...(maxHeld !== undefined && { maxHeld }) }
    this.planner = this.#planner()
    this.#startMs = startMs
    this.#nowMs = startMs
  }

  #planner(): Planner {
    return new Planner([this.policy], { evaluator: 'ingest', keyPrefix: 'k' })
  }

  get nowMs(): number {
    return this.#nowMs
  }

  take(...alerts: Alert[]): this {
    this.planner.take(alerts, this.#nowMs)
    return this
  }

  silence(silence: Partial<Silence> & { seconds: [number, number] }): this {
    const [from, until] = silence.seconds.map((seconds) => this.#startMs + seconds * 1_000)
    const { id = 'x', match = {} } = silence
    this.planner.silences.set({ id, match, fromMs: from!, untilMs: until!, by: 'me', reason: '' })
    this.planner.lookAgain()
    return this
  }

  acknowledge(id: string): this {
    this.planner.acknowledged.set(id, { by: 'me', atMs: this.#nowMs, note: '' })
    this.planner.lookAgain()
    return this
  }

  /** The clock jumps; nothing happens in between. */
  jump(seconds: number): this {
    this.#nowMs += seconds * 1_000
    return this
  }

  /** Looks every second until then. */
  until(seconds: number): this {
    for (; this.#nowMs <= this.#startMs + seconds * 1_000; this.#nowMs += 1_000) this.look()
    return this
  }

  look(): void {
    const { name } = this.policy
    if (this.planner.outgoing(name) && !this.down) this.#arrive()
    if (this.down && this.planner.outgoing(name) && this.planner.isOutdated(name)) {
      this.planner.takeBack(name, this.#nowMs)
    }
    if (this.planner.compose(this.policy, this.#nowMs) && !this.down) this.#arrive()
  }

  #arrive(): void {
    this.notices.push(this.planner.outgoing(this.policy.name)!)
    this.planner.arrived(this.policy.name, this.#nowMs)
  }

  /** Each notice as `{seconds}: {kind} {device}, ...`. */
  get told(): string[] {
    return this.notices.map(({ atMs, items, unlisted }) => {
      const texts = items.map(({ kind, alert }) => `${kind} ${alert.device}`)
      const more = unlisted > 0 ? [`${unlisted} more`] : []
      return `${(atMs - this.#startMs) / 1_000}: ${[...texts, ...more].join(', ')}`
    })
  }
}
