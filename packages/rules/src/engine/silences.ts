import type { CompiledRule, RuleAgent, RuleHeard, RuleWindow } from '../types.ts'
import type { Core } from './core.ts'
import type { Host } from './host.ts'
import { Observer, Presence, Silence } from './presence.ts'

/** An agent is taken to listen between two signs of life no further apart than this, where it does not say so, ms. */
const agentPatienceMs = 180_000
/** The evaluator is taken to have been there between two calls of `advance` no further apart than this, ms. */
const evaluatorPatienceMs = 60_000

/** A device or an agent that rules of silence are about. */
export interface Watched {
  host: Host
  presence: Presence
  rules: readonly CompiledRule[]
  /** Who would have heard it. */
  observedBy(): Observer | undefined
}

export interface WatchedDevice extends Watched {
  /** Name of the agent that heard of it last; its site may be another one. */
  agent: string
}

export interface WatchedAgent extends Watched {
  site: string
  name: string
  /** In its own time. */
  observer: Observer
  /** Its newest own time that was a sign of life. */
  spoke: number
}

function leastFor(rules: readonly CompiledRule[]): number {
  return Math.min(...rules.map(({ definition }) => definition.for!))
}

/** Who is silent: devices in event time, by what their agent heard; agents in the evaluator's time. */
export class Silences {
  readonly devices = new Map<string, WatchedDevice | undefined>()
  readonly agents = new Map<string, WatchedAgent>()
  readonly evaluator = new Observer(evaluatorPatienceMs)
  readonly changedDevices = new Set<WatchedDevice>()
  readonly changedAgents = new Set<WatchedAgent>()
  readonly #core: Core
  readonly #byName = new Map<string, readonly WatchedAgent[]>()
  #ofDevices: readonly CompiledRule[] = []
  #ofAgents: readonly CompiledRule[] = []

  constructor(core: Core) {
    this.#core = core
  }

  use(rules: readonly CompiledRule[]): void {
    const silences = rules.filter(({ kind }) => kind === 'silence')
    this.#ofDevices = silences.filter(({ cause }) => cause === 'device-silent')
    this.#ofAgents = silences.filter(({ cause }) => cause === 'agent-offline')
    for (const [path, device] of this.devices) this.#choose(path, device)
    for (const agent of this.agents.values()) {
      agent.rules = this.#rulesOfAgent(agent.site, agent.name)
      if (agent.rules.length > 0) agent.presence.bridgedMs = leastFor(agent.rules)
    }
  }

  hear({ site, device: name, agent }: Omit<RuleHeard, 'ts'>, from: number, to: number): void {
    const device = this.device({ site, device: name, agent })
    if (!device) return
    if (device.agent !== agent) {
      device.agent = agent
      device.host.names = { ...device.host.names, agent }
      this.changedDevices.add(device)
    }
    const start = Math.floor(from)
    const seen = Math.min(start, device.observedBy()?.at ?? Number.NEGATIVE_INFINITY)
    const { changed, gap } = device.presence.hear(start, Math.floor(to), Math.max(0, seen))
    if (changed) this.changedDevices.add(device)
    if (gap || device.host.timelines) this.#touchAll(device)
  }

  /** Windows say that their device was heard, whichever agent it was; they do not say who listens to it now. */
  hearWindow(row: Pick<RuleWindow, 'site' | 'device' | 'firstTs' | 'lastTs'>): void {
    const { site, device } = row
    const known = this.devices.get(`${site}/${device}`)
    if (known) this.hear({ site, device, agent: known.host.names.agent ?? '' }, row.firstTs, row.lastTs)
  }

  get watchesDevices(): boolean {
    return this.#ofDevices.length > 0
  }

  agent({ site, agent: name, at, online, since }: RuleAgent): void {
    const agent = this.watchedAgent(site, name)
    this.changedAgents.add(agent)
    if (!online) agent.observer.away = true
    else if (this.#alive(agent, at) || agent.observer.at === at) this.#spoke(agent, at, since)
  }

  /** Whether it is a sign of life, and not the same one again. */
  #alive({ spoke }: WatchedAgent, at: number): boolean {
    return at > spoke || spoke - at > agentPatienceMs
  }

  #spoke(agent: WatchedAgent, at: number, since: number | undefined): void {
    if (this.evaluator.runs.length > 0 && this.#alive(agent, at)) {
      const now = this.evaluator.at
      const { gap } = agent.presence.hear(now, now, now)
      if (gap || agent.host.timelines) this.#touchAll(agent)
    }
    agent.spoke = at
    agent.observer.listens(at, since)
    for (const device of this.devices.values()) if (device?.agent === agent.name) this.#touchDue(device)
  }

  advance(now: number): void {
    this.evaluator.listens(now)
    for (const agent of this.agents.values()) {
      if (agent.presence.spans.length === 0 && agent.observer.runs.length > 0) agent.presence.hear(now, now, now)
      this.#touchDue(agent)
    }
  }

  device(names: { site: string; device: string; agent: string }): WatchedDevice | undefined {
    const path = `${names.site}/${names.device}`
    const known = this.devices.get(path)
    if (known !== undefined || this.devices.has(path)) return known
    const { site, device, agent } = names
    const rules = this.#rulesOfDevice(site, device, agent)
    const host = rules.length > 0 ? this.#core.host(`p/${path}`, { site, device, metric: null, agent }) : undefined
    const made = host && this.#watchedDevice(host, rules, agent)
    this.devices.set(path, made)
    return made
  }

  #watchedDevice(host: Host, rules: readonly CompiledRule[], agent: string): WatchedDevice {
    const made: WatchedDevice = {
      ...{ host, rules, agent, presence: new Presence(leastFor(rules)) },
      observedBy: () => this.#observerOf(host.names.site, made.agent),
    }
    return made
  }

  /** An agent of the device's own site, else the one of that name that was heard of last: it may serve several sites. */
  #observerOf(site: string, name: string): Observer | undefined {
    const own = this.agents.get(`a/${site}/${name}`)
    if (own && own.observer.runs.length > 0) return own.observer
    const named = [...(this.#byName.get(name) ?? [])].map(({ observer }) => observer)
    return named.reduce<Observer | undefined>((last, one) => (last && last.at >= one.at ? last : one), undefined)
  }

  watchedAgent(site: string, name: string): WatchedAgent {
    const key = `a/${site}/${name}`
    let agent = this.agents.get(key)
    if (agent === undefined) {
      const rules = this.#rulesOfAgent(site, name)
      const host = this.#core.host(key, { site, device: null, metric: null, agent: name })
      const presence = new Presence(rules.length > 0 ? leastFor(rules) : 1)
      const observer = new Observer(agentPatienceMs)
      const observedBy = () => this.evaluator
      agent = { host, presence, rules, site, name, observer, spoke: Number.NEGATIVE_INFINITY, observedBy }
      this.agents.set(key, agent)
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), agent])
    }
    return agent
  }

  /** Brings back one that was kept. */
  silence(watched: Watched, rule: CompiledRule): Silence {
    const known = watched.host.timelines?.get(rule.id)
    if (known instanceof Silence) return known
    const key = `${rule.id}/${watched.host.key}`
    const { host, presence, observedBy: observer } = watched
    const silence = new Silence({ key, rule, host, presence, observer })
    this.#core.keep(silence)
    return silence
  }

  sweep(): void {
    const { horizonMs } = this.#core
    for (const device of this.devices.values()) {
      if (device) this.#forget(device, device.presence.newest - horizonMs)
    }
    for (const agent of this.agents.values()) {
      agent.observer.dropBefore(agent.observer.at - horizonMs)
      this.#forget(agent, agent.presence.newest - horizonMs)
    }
    this.evaluator.dropBefore(this.evaluator.at - horizonMs)
  }

  #forget({ presence, host }: Watched, floor: number): void {
    presence.dropBefore(floor)
    for (const silence of [...(host.timelines?.values() ?? [])]) {
      silence.book.dropBefore(floor)
      if (silence.trivial) this.#core.drop(silence)
    }
  }

  /** Which rules a device that is known is under from now on. */
  #choose(path: string, device: WatchedDevice | undefined): void {
    const names = device?.host.names
    const rules = names ? this.#rulesOfDevice(names.site, names.device!, names.agent ?? '') : []
    if (!device || rules.length === 0) this.devices.delete(path)
    else {
      device.rules = rules
      device.presence.bridgedMs = leastFor(rules)
    }
  }

  #rulesOfDevice(site: string, device: string, agent: string): CompiledRule[] {
    return this.#ofDevices.filter((rule) => rule.selects({ site, device, agent }))
  }

  #rulesOfAgent(site: string, agent: string): CompiledRule[] {
    return this.#ofAgents.filter((rule) => rule.selects({ site, agent }))
  }

  #touchAll(watched: Watched): void {
    for (const rule of watched.rules) this.#core.touch(this.silence(watched, rule))
  }

  #touchDue(watched: Watched): void {
    const { presence, rules, host } = watched
    const silentMs = (watched.observedBy()?.at ?? Number.NEGATIVE_INFINITY) - presence.newest
    if (presence.spans.length === 0) return
    for (const rule of rules) {
      if (silentMs < rule.definition.for!) continue
      const told = host.timelines?.get(rule.id)?.book.known.get(presence.newest)
      if (told?.state !== 'active') this.#core.touch(this.silence(watched, rule))
    }
  }
}
