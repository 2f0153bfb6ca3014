import type { CompiledRule, RuleAgent, RuleHeard, WindowRow } from '../types.ts'
import type { Core } from './core.ts'
import { type HeardSpan, Silence } from './presence.ts'
import { type Watched, type WatchedAgent, WatchList } from './watched.ts'

function hasTold({ host }: Watched): boolean {
  return [...(host.timelines?.values() ?? [])].some(({ book }) => book.known.size > 0)
}

/** Who is silent: devices in event time, by what their agent heard; agents in the evaluator's time. */
export class Silences {
  readonly list: WatchList
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
    this.list = new WatchList(core)
  }

  hear({ site, device: name, agent }: Omit<RuleHeard, 'ts'>, firstTs: number, lastTs: number): void {
    const device = this.list.device({ site, device: name, agent })
    if (device) this.#hear(device, { from: Math.floor(firstTs), to: Math.floor(lastTs), by: agent, seen: 0 })
  }

  #hear(device: Watched, span: HeardSpan): void {
    const { host, presence } = device
    const moved = host.names.agent !== span.by
    if (!moved && host.timelines === undefined && this.#goesOn(device, span)) return
    this.list.lookAgain(span.by)
    if (moved) host.names = { ...host.names, agent: span.by }
    const seen = Math.max(0, Math.min(span.from, device.observerOf(span.by)?.at ?? 0))
    const { changed, gap } = presence.hear({ ...span, seen })
    if (changed || moved) this.list.changedDevices.add(device)
    if (gap || moved || hasTold(device)) this.#touchAll(device)
  }

  /** The common case: whether it is heard as it was. */
  #goesOn(device: Watched, { from, to }: HeardSpan): boolean {
    if (device.presence.holds(from, to)) return true
    const goesOn = device.presence.extend(from, to)
    if (goesOn) this.list.changedDevices.add(device)
    return goesOn
  }

  /** Windows say that their device was heard; they do not say which agent listens to it now. */
  hearWindow(device: Watched, { firstTs, lastTs }: Pick<WindowRow, 'firstTs' | 'lastTs'>): void {
    const by = device.host.names.agent
    if (by !== null) this.#hear(device, { from: Math.floor(firstTs), to: Math.floor(lastTs), by, seen: 0 })
  }

  agent({ site, agent: name, at, online, since }: RuleAgent): void {
    const agent = this.list.agent(site, name)
    this.list.changedAgents.add(agent)
    if (!online) agent.observer.away = true
    else if (this.list.isSign(agent, at) || agent.observer.at === at) this.#spoke(agent, at, since)
  }

  advance(now: number): void {
    const { evaluator, agents } = this.list
    evaluator.listens(now)
    for (const agent of agents.values()) {
      if (agent.presence.spans.length === 0 && agent.observer.runs.length > 0) this.#hearAgent(agent)
      this.#touchDue(agent)
    }
  }

  /** That of a rule at a device or an agent. */
  silence(watched: Watched, rule: CompiledRule): Silence {
    const known = watched.host.timelines?.get(rule.id)
    if (known instanceof Silence) return known
    const { host, presence, observerOf } = watched
    const silence = new Silence({ key: `${rule.id}/${host.key}`, rule, host, presence, observerOf })
    this.#core.keep(silence)
    return silence
  }

  sweep(): void {
    const { horizonMs } = this.#core
    const { devices, agents, evaluator, changedDevices, changedAgents } = this.list
    for (const device of devices.values()) {
      if (device && this.#forget(device, device.presence.newest - horizonMs)) changedDevices.add(device)
    }
    for (const agent of agents.values()) {
      const forgotten = this.#forget(agent, agent.presence.newest - horizonMs)
      if (agent.observer.dropBefore(agent.observer.at - horizonMs) || forgotten) changedAgents.add(agent)
    }
    evaluator.dropBefore(evaluator.at - horizonMs)
  }

  #spoke(agent: WatchedAgent, at: number, since: number | undefined): void {
    if (this.list.evaluator.runs.length > 0 && this.list.isSign(agent, at)) this.#hearAgent(agent)
    agent.spoke = at
    agent.observer.listens(at, since)
    if (agent.observer.at >= agent.dueAt) this.#touchDevices(agent)
  }

  #touchDevices(agent: WatchedAgent): void {
    agent.dueAt = Number.POSITIVE_INFINITY
    for (const device of this.list.devices.values()) {
      if (device?.host.names.agent !== agent.name) continue
      this.#touchDue(device)
      const { newest, bridgedMs } = device.presence
      const told = hasTold(device) ? Number.NEGATIVE_INFINITY : newest + bridgedMs
      agent.dueAt = Math.min(agent.dueAt, told)
    }
  }

  #hearAgent(agent: WatchedAgent): void {
    const now = this.list.evaluator.at
    const { changed, gap } = agent.presence.hear({ from: now, to: now, by: '', seen: now })
    if (changed) this.list.changedAgents.add(agent)
    if (gap || hasTold(agent)) this.#touchAll(agent)
  }

  /** Whether anything that was heard went. */
  #forget({ presence, host }: Watched, floor: number): boolean {
    this.#core.settle(host)
    for (const silence of [...(host.timelines?.values() ?? [])]) {
      silence.book.dropBefore(floor)
      if (silence.trivial) this.#core.drop(silence)
      else this.#core.changedTimelines.add(silence.key)
    }
    return presence.dropBefore(floor)
  }

  #touchAll(watched: Watched): void {
    for (const rule of watched.rules) this.#core.touch(this.silence(watched, rule))
  }

  /** Time alone makes silent. */
  #touchDue(watched: Watched): void {
    const { presence, rules, host } = watched
    if (presence.spans.length === 0) return
    const at = watched.observerOf(host.names.agent ?? '')?.at ?? Number.NEGATIVE_INFINITY
    for (const rule of rules) {
      if (at - presence.newest < rule.definition.for!) continue
      const told = host.timelines?.get(rule.id)?.book.known.get(presence.newest)
      if (told?.state !== 'active') this.#core.touch(this.silence(watched, rule))
    }
  }
}
