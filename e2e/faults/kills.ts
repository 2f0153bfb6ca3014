import { type EventEmitter, once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Faults } from '../oracle/scorecard.ts'
import type { OracleProcess } from './oracle-process.ts'
import type { FaultStack } from './stack.ts'

export const victims = ['agent', 'ingest', 'broker'] as const
export type Victim = (typeof victims)[number]
type Phase = 'working' | 'recovering'

export interface KillPlan {
  kills: number
  /** Share of kills at the instant of an acknowledgement. */
  atAcknowledgement?: number
  /** Default: everyone, one by one and together. */
  rounds?: readonly Round[]
  /** Of killing, at most; the score says how many there were. */
  withinMs: number
  random: () => number
  signal: AbortSignal
  say(line: string): void
}

/** Who is killed in a round, each on its own or all at one instant. */
export interface Round {
  victims: readonly Victim[]
  atOnce: boolean
}

const everyone: readonly Round[] = [
  { victims: ['agent'], atOnce: false },
  { victims: ['ingest'], atOnce: false },
  { victims: ['broker'], atOnce: false },
  { victims: ['agent', 'ingest'], atOnce: false },
  { victims: ['agent', 'ingest', 'broker'], atOnce: true },
  { victims: ['agent', 'ingest', 'broker'], atOnce: false },
]
const killsPerRound = 6
const reachWithinMs = 10_000
const settleWithinMs = 30_000
const usuallyAtAcknowledgement = 0.25
/** Share of the other kills that wait until their victim has taken something; the rest meet its recovery. */
const aimedAtWork = 0.5
const pollMs = 5

/**
 * Kills with SIGKILL at random instants: at an acknowledgement, or 60 to 180 ms after the victim was seen at what it does: an agent when it has
 * acknowledged something since its start, an ingest when a receipt has grown, a broker when it has carried that
 * receipt. What is killed before that counts only where it had its spool open, or a connection.
 */
export class Killing {
  readonly faults: Faults & { recoveriesMs: Record<Victim, number[]> } = {
    kills: [],
    recoveriesMs: { agent: [], ingest: [], broker: [] },
    others: {},
  }
  readonly #stack: FaultStack
  readonly #oracle: OracleProcess
  readonly #plan: KillPlan
  readonly #killedAtMs = new Map<Victim, number>()

  constructor(stack: FaultStack, oracle: OracleProcess, plan: KillPlan) {
    this.#stack = stack
    this.#oracle = oracle
    this.#plan = plan
  }

  async run(): Promise<Faults> {
    const { kills, withinMs, signal, say, rounds = everyone } = this.#plan
    const deadline = performance.now() + withinMs
    const watching = setInterval(() => this.#watch(), pollMs)
    const poking = setInterval(() => void this.#stack.get('/api/status?devices=1', 'agent').catch(() => undefined), 250)
    try {
      for (let turn = 0; this.faults.kills.length < kills && performance.now() < deadline; turn++) {
        signal.throwIfAborted()
        const round = rounds[turn % rounds.length]!
        await this.#round(round)
        await this.#settle()
        say(`${this.faults.kills.length} kills, last of ${round.victims.join(', ')}`)
      }
    } finally {
      clearInterval(watching)
      clearInterval(poking)
    }
    return this.faults
  }

  async #round({ victims: who, atOnce }: Round): Promise<void> {
    if (!atOnce) {
      await Promise.all(who.map((victim) => this.#again(victim)))
      return
    }
    for (let kill = 0; kill < killsPerRound / 2 && !this.#plan.signal.aborted; kill++) {
      await this.#reach(who[kill % who.length]!)
      await Promise.all(who.map((victim) => this.#kill(victim)))
      for (const victim of who) await this.#start(victim)
    }
  }

  async #again(victim: Victim): Promise<void> {
    for (let kill = 0; kill < killsPerRound && !this.#plan.signal.aborted; kill++) {
      await this.#reach(victim)
      await this.#kill(victim)
      await this.#start(victim)
    }
  }

  /**
   * Waits for what this kill is aimed at, then a little, or not at all: then it meets what was acknowledged last. A
   * victim that does not come to it is killed all the same.
   */
  async #reach(victim: Victim): Promise<void> {
    const { random, atAcknowledgement = usuallyAtAcknowledgement } = this.#plan
    if (random() < atAcknowledgement) return await this.#nextAcknowledgement(victim)
    const aim: Phase = random() < aimedAtWork ? 'working' : 'recovering'
    const deadline = performance.now() + reachWithinMs
    const there = () => this.#phase(victim) === 'working' || this.#phase(victim) === aim
    while (!there() && performance.now() < deadline && !this.#plan.signal.aborted) await delay(pollMs)
    await delay(60 + random() * 120)
  }

  async #nextAcknowledgement(victim: Victim): Promise<void> {
    const teller: EventEmitter = victim === 'agent' ? this.#oracle.events : this.#stack.receipts.events
    const signal = AbortSignal.any([this.#plan.signal, AbortSignal.timeout(reachWithinMs)])
    await once(teller, 'took', { signal }).catch(() => undefined)
  }

  async #kill(victim: Victim): Promise<void> {
    const phase = this.#phase(victim)
    this.#killedAtMs.set(victim, Date.now())
    if (victim === 'broker' && this.#stack.mosquitto) await this.#stack.mosquitto.kill()
    else if (!(await this.#service(victim).kill())) return
    if (phase) this.faults.kills.push({ victim, phase })
  }

  async #start(victim: Victim): Promise<void> {
    if (this.#plan.signal.aborted) return
    if (victim !== 'broker' || !this.#stack.mosquitto) this.#service(victim).start()
    else {
      this.#mosquittoStartedAtMs = Date.now()
      await this.#stack.mosquitto.start()
    }
  }

  #mosquittoStartedAtMs = 0

  #service(victim: Victim) {
    return this.#stack[victim]!
  }

  #startedAtMs(victim: Victim): number {
    return victim === 'broker' && this.#stack.mosquitto ? this.#mosquittoStartedAtMs : this.#service(victim).startedAtMs
  }

  /** When it last showed that it had taken something. */
  #tookAtMs(victim: Victim): number {
    return victim === 'agent' ? this.#oracle.ackingSinceMs : this.#stack.receipts.grewAtMs
  }

  #phase(victim: Victim): Phase | undefined {
    const startedAtMs = this.#startedAtMs(victim)
    if (this.#tookAtMs(victim) > startedAtMs) return 'working'
    const recovering =
      victim === 'broker'
        ? this.#stack.receipts.connectedAtMs > startedAtMs
        : this.#service(victim).hasOpen('/spool.db-wal')
    return recovering ? 'recovering' : undefined
  }

  /** Notes how long each recovery took, once it is seen. */
  #watch(): void {
    for (const [victim, killedAtMs] of this.#killedAtMs) {
      const tookAtMs = this.#tookAtMs(victim)
      if (tookAtMs <= this.#startedAtMs(victim) || tookAtMs <= killedAtMs) continue
      this.faults.recoveriesMs[victim].push(tookAtMs - killedAtMs)
      this.#killedAtMs.delete(victim)
    }
  }

  /** Until everyone works again. */
  async #settle(): Promise<void> {
    const deadline = performance.now() + settleWithinMs
    while (this.#killedAtMs.size > 0 && performance.now() < deadline) {
      this.#plan.signal.throwIfAborted()
      await delay(pollMs)
    }
    if (this.#killedAtMs.size > 0) {
      const who = [...this.#killedAtMs.keys()].join(', ')
      throw new Error(`${who} did not work again within ${settleWithinMs / 1000} s\n${this.#stack.log}`)
    }
  }
}
