import type { CompiledRule } from '../types.ts'
import type { Core } from './core.ts'
import type { Host } from './host.ts'
import { Observer, Presence } from './presence.ts'
import { Blocks } from './registry.ts'

/** An agent is taken to listen between two signs of life no further apart than this, where it does not say so, ms. */
const agentPatienceMs = 180_000
/** The evaluator is taken to have been there between two calls of `advance` no further apart than this, ms. */
const evaluatorPatienceMs = 60_000

/** A device or an agent that rules of silence are about. */
export interface Watched {
  host: Host
  presence: Presence
  rules: readonly CompiledRule[]
  /** Who hears it, by name: devices are heard by agents, agents by the evaluator. */
  observerOf(name: string): Observer | undefined
}

export interface WatchedAgent extends Watched {
  site: string
  name: string
  /** Of its devices, in its own time. */
  observer: Observer
  /** Its newest own time that was a sign of life. */
  spoke: number
  /** No device of its becomes silent before it has come so far. */
  dueAt: number
}

/** Without rules no pause is a silence. */
function leastFor(rules: readonly CompiledRule[]): number {
  return Math.min(...rules.map(({ definition }) => definition.for!))
}

/** The devices and agents that are watched, and who watches them. */
export class WatchList {
  /** By site and device; undefined where no rule asks for it. */
  readonly devices = new Map<string, Watched | undefined>()
  readonly watched = new Blocks<Watched>()
  readonly agents = new Map<string, WatchedAgent>()
  readonly evaluator = new Observer(evaluatorPatienceMs)
  readonly changedDevices = new Set<Pick<Watched, 'host'>>()
  readonly changedAgents = new Set<WatchedAgent>()
  readonly #core: Core
  readonly #bySite = new Map<string, Map<string, Watched>>()
  readonly #byName = new Map<string, readonly WatchedAgent[]>()
  #ofDevices: readonly CompiledRule[] = []
  #ofAgents: readonly CompiledRule[] = []

  constructor(core: Core) {
    this.#core = core
  }

  /** The shortest silence of a device that any rule asks for, ms; infinite without one. */
  get leastForMs(): number {
    return leastFor(this.#ofDevices)
  }

  use(rules: readonly CompiledRule[]): void {
    const silences = rules.filter(({ kind }) => kind === 'silence')
    this.#ofDevices = silences.filter(({ cause }) => cause === 'device-silent')
    this.#ofAgents = silences.filter(({ cause }) => cause === 'agent-offline')
    for (const [path, device] of this.devices) this.#choose(path, device)
    for (const agent of this.agents.values()) {
      agent.dueAt = Number.NEGATIVE_INFINITY
      agent.rules = this.#rulesOfAgent(agent.site, agent.name)
      agent.presence.bridgedMs = leastFor(agent.rules)
    }
  }

  device({ site, device, agent }: { site: string; device: string; agent: string }): Watched | undefined {
    const known = this.find(site, device)
    if (known !== undefined) return known
    const path = `${site}/${device}`
    if (this.devices.has(path)) return this.devices.get(path)
    const rules = this.#rulesOfDevice(site, device, agent)
    const made: Watched | undefined =
      rules.length === 0
        ? undefined
        : {
            host: this.#core.host(`p/${path}`, { site, device, metric: null, agent }),
            ...{ rules, presence: new Presence(leastFor(rules)) },
            observerOf: (name) => this.#observerOf(site, name),
          }
    this.devices.set(path, made)
    if (made) this.#remember(made)
    return made
  }

  /** A device that has been heard of. */
  find(site: string, device: string): Watched | undefined {
    return this.#bySite.get(site)?.get(device)
  }

  #remember(made: Watched): void {
    const { site, device } = made.host.names
    this.watched.set(made.host.line.id, made)
    const devices = this.#bySite.get(site) ?? new Map<string, Watched>()
    this.#bySite.set(site, devices.set(device!, made))
  }

  agent(site: string, name: string): WatchedAgent {
    const key = `a/${site}/${name}`
    const known = this.agents.get(key)
    if (known !== undefined) return known
    const rules = this.#rulesOfAgent(site, name)
    const agent: WatchedAgent = {
      host: this.#core.host(key, { site, device: null, metric: null, agent: name }),
      ...{ site, name, rules, presence: new Presence(leastFor(rules)) },
      ...{ observer: new Observer(agentPatienceMs), spoke: Number.NEGATIVE_INFINITY, dueAt: Number.NEGATIVE_INFINITY },
      observerOf: () => this.evaluator,
    }
    this.agents.set(key, agent)
    this.#byName.set(name, [...(this.#byName.get(name) ?? []), agent])
    return agent
  }

  /** Something else than time went on: its devices are to be looked at again. */
  lookAgain(name: string): void {
    for (const agent of this.#byName.get(name) ?? []) agent.dueAt = Number.NEGATIVE_INFINITY
  }

  /** Whether a time of the agent is a sign of life, and not the same one again. */
  isSign({ spoke }: WatchedAgent, at: number): boolean {
    return at > spoke || spoke - at > agentPatienceMs
  }

  /** An agent of the device's own site, else the one of that name that was heard of last: it may serve several sites. */
  #observerOf(site: string, name: string): Observer | undefined {
    const named = this.#byName.get(name)
    if (!named || named.length < 2) return named?.[0]?.observer
    const own = this.agents.get(`a/${site}/${name}`)
    if (own && own.observer.runs.length > 0) return own.observer
    return named.reduce((last, one) => (last.observer.at >= one.observer.at ? last : one)).observer
  }

  /** Which rules a device that is known is under from now on. */
  #choose(path: string, device: Watched | undefined): void {
    const names = device?.host.names
    const rules = names ? this.#rulesOfDevice(names.site, names.device!, names.agent ?? '') : []
    if (!device || rules.length === 0) {
      this.devices.delete(path)
      if (device) this.#forget(device)
    } else {
      device.rules = rules
      device.presence.bridgedMs = leastFor(rules)
    }
  }

  #forget(device: Watched): void {
    const { site, device: name } = device.host.names
    this.watched.set(device.host.line.id, undefined)
    this.#bySite.get(site)?.delete(name!)
    this.changedDevices.add(device)
  }

  #rulesOfDevice(site: string, device: string, agent: string): CompiledRule[] {
    return this.#ofDevices.filter((rule) => rule.selects({ site, device, agent }))
  }

  #rulesOfAgent(site: string, agent: string): CompiledRule[] {
    return this.#ofAgents.filter((rule) => rule.selects({ site, agent }))
  }
}
