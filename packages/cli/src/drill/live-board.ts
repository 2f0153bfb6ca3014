import type { AccountsResponse } from '@millrace/contracts'
import { pause } from '@millrace/pipeline'
import type { Screen } from '../up/screen.ts'
import { getJson } from '../verify/api.ts'
import { type AgentView, agentView } from './agent-view.ts'
import { boardLines } from './board.ts'
import type { Findings } from './findings.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Ink } from './ink.ts'
import type { PlannedAct } from './plan.ts'
import type { Target, Victim } from './target.ts'

const drawEveryMs = 250
const samples = 24
const drawsPerSample = 2

export interface BoardParts {
  screen: Screen
  ink: Ink
  target: Target
  heartbeat: Heartbeat
  findings: Findings
  acts: readonly PlannedAct[]
  durationMs: number
  elapsedMs(): number
  uplink(): boolean
}

/** The live part of the display at a terminal: drawn four times a second, whatever is down. */
export class LiveBoard {
  readonly #parts: BoardParts
  readonly #ages: number[] = []
  readonly #outbox: number[] = []
  #accounts: AccountsResponse | undefined
  #agent: AgentView | undefined
  current = 0

  constructor(parts: BoardParts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const asking = this.#ask(signal)
    for (let draws = 0; !signal.aborted; draws++) {
      if (draws % drawsPerSample === 0) this.#sample()
      this.#draw()
      await pause(drawEveryMs, signal).catch(() => undefined)
    }
    await asking
    this.#parts.screen.end()
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { target } = this.#parts
    const ingest = { url: `http://127.0.0.1:${target.ports.http}`, token: target.token, flag: '--http-port' }
    while (!signal.aborted) {
      this.#accounts = (await getJson(ingest, '/api/accounts?devices=0').catch(() => undefined)) as
        | AccountsResponse
        | undefined
      this.#agent = await agentView(target)
      await pause(drawEveryMs, signal).catch(() => undefined)
    }
  }

  #sample(): void {
    this.#ages.push(this.#parts.heartbeat.ageMs)
    this.#outbox.push(this.#agent?.spool.outboxMessages ?? this.#outbox.at(-1) ?? 0)
    for (const list of [this.#ages, this.#outbox]) if (list.length > samples) list.shift()
  }

  #draw(): void {
    const { screen, ink, target, heartbeat, findings, acts, durationMs, elapsedMs, uplink } = this.#parts
    const running = Object.fromEntries(target.victims.map((victim) => [victim, target.pid(victim) !== null]))
    const view = {
      ...{ elapsedMs: elapsedMs(), durationMs, acts, current: this.current, uplink: uplink() },
      running: running as Partial<Record<Victim, boolean>>,
      ...{ well: heartbeat.well, kills: findings.kills.length, ageMs: heartbeat.ageMs },
      ...{ ages: this.#ages, outbox: this.#outbox, accounts: this.#accounts },
    }
    screen.status(boardLines(view, ink).join('\n'))
  }
}
