import type { LiveBody, ProvisionalBody, StatusBody } from '@millrace/contracts'
import type { RuleAgent, RuleHeard } from '@millrace/rules'
import type { Spooled } from '../received.ts'

interface AgentState extends Required<RuleAgent> {
  epoch: string | undefined
  /** The ingest has had no connection since `since` was found out. */
  stale: boolean
}

/** Who was heard of, and when by their own time: gathered until the rules ask. */
export class Presence {
  private heard = new Map<string, RuleHeard>()
  private readonly agentOfDevice = new Map<string, string>()
  private readonly newestOfAgent = new Map<string, number>()
  private readonly agents = new Map<string, AgentState>()
  private told: AgentState[] = []

  /** What the spool knows from before. */
  know(heard: readonly RuleHeard[]): void {
    for (const device of heard) this.hear(device)
  }

  /** What was not heard from now on until an agent speaks again says nothing about its devices. */
  reconnected(): void {
    for (const agent of this.agents.values()) agent.stale = true
  }

  committed(messages: readonly Spooled[]): void {
    for (const { head, parts } of messages) {
      if (head === undefined) continue
      const { site, agent } = head
      for (const { device, lastTs, values } of parts) {
        if (values !== null) this.hear({ site, device, agent, ts: lastTs })
      }
    }
  }

  live({ site, agent, columns: { device, ts } }: LiveBody): void {
    for (let index = 0; index < ts.length; index++) {
      this.hear({ site, agent, device: device[index]!, ts: ts[index]! })
    }
  }

  provisional({ site, agent, columns: { device, lastTs } }: ProvisionalBody): void {
    for (let index = 0; index < lastTs.length; index++) {
      this.hear({ site, agent, device: device[index]!, ts: lastTs[index]! })
    }
  }

  /**
   * A last will tells no time: the agent was heard until it or one of its devices spoke last. Where the will is all that
   * is left of it, it has been there before.
   */
  status({ site, agent, epoch, at, online }: StatusBody): void {
    const known = this.agents.get(`${site}/${agent}`)
    const spoke = at ?? known?.at ?? this.newestOfAgent.get(agent)
    if (spoke === undefined) return
    const told = { site, agent, epoch: epoch ?? known?.epoch, at: spoke }
    if (!online && !known) this.speak({ ...told, online: true })
    this.speak({ ...told, online })
  }

  agentOf(site: string, device: string): string | null {
    return this.agentOfDevice.get(`${site}/${device}`) ?? null
  }

  /** Since the last call. */
  takeHeard(): RuleHeard[] {
    const heard = [...this.heard.values()]
    this.heard = new Map()
    return heard
  }

  /** In order, since the last call. */
  takeAgents(): RuleAgent[] {
    const told = this.told
    this.told = []
    return told.map(({ site, agent, at, online, since }) => ({ site, agent, at, online, since }))
  }

  private hear(told: RuleHeard): void {
    const key = `${told.site}/${told.device}`
    this.agentOfDevice.set(key, told.agent)
    this.newestOfAgent.set(told.agent, Math.max(told.ts, this.newestOfAgent.get(told.agent) ?? 0))
    const known = this.heard.get(key)
    if (known === undefined || told.ts > known.ts) this.heard.set(key, told)
  }

  private speak(told: Omit<AgentState, 'since' | 'stale'>): void {
    const key = `${told.site}/${told.agent}`
    const known = this.agents.get(key)
    const sameRun = known?.epoch === told.epoch
    const at = sameRun ? Math.max(told.at, known?.at ?? told.at) : told.at
    const unbroken = sameRun && known?.online && !known.stale
    const state = { ...told, at, since: unbroken ? known.since : at, stale: false }
    this.agents.set(key, state)
    this.told = this.told.filter((other) => other !== known || other.online !== state.online)
    this.told.push(state)
  }
}
