import type { Alert, AlertChange } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'
import type { Episode } from './fold.ts'
import { type MessageFacts, messageOf } from './message.ts'

/** What a rule is judged at; null for what it does not name. */
export interface Names {
  site: string
  device: string | null
  metric: string | null
  agent: string | null
}

export interface BookContext {
  rule: CompiledRule
  names: Names
  unit: string
  learned: number
}

const never = Number.POSITIVE_INFINITY

function idOf(rule: string, { site, device, metric, agent }: Names, start: number): string {
  return `${rule}/${site}/${device ?? agentPart(device, agent)}/${metric ?? '-'}/${start}`
}

/** A rule over an agent names it in the place of the device, so that two agents of a site have two ids. */
function agentPart(device: string | null, agent: string | null): string {
  return device === null && agent !== null ? agent : '-'
}

function overlap(alert: Alert, episode: Episode): boolean {
  return alert.start < (episode.end ?? never) && episode.start < (alert.end ?? never)
}

function takeOverlapping(lost: Alert[], episode: Episode): Alert | undefined {
  const at = lost.findIndex((alert) => overlap(alert, episode))
  return at < 0 ? undefined : lost.splice(at, 1)[0]
}

/** The alerts of one rule at one subject, as they were told. */
export class AlertBook {
  readonly known = new Map<number, Alert>()
  /** Starts of those that changed or went since they were last kept. */
  readonly changed = new Set<number>()

  get active(): Alert | undefined {
    return [...this.known.values()].find(({ state }) => state === 'active')
  }

  /** Compares what was told with what is now known; answers with what changed, in the order to tell it. */
  compare(episodes: readonly Episode[], context: BookContext): Alert[] {
    const starts = new Set(episodes.map(({ start }) => start))
    const lost = [...this.known.values()].filter(({ start, state }) => state !== 'withdrawn' && !starts.has(start))
    const told: Alert[] = []
    for (const episode of episodes) {
      const before = this.known.get(episode.start)
      if (before && before.state !== 'withdrawn') told.push(...this.#again(before, episode, context))
      else told.push(...this.#fresh(episode, context, takeOverlapping(lost, episode)))
    }
    return [...told, ...lost.map((alert) => this.#withdraw(alert, context))]
  }

  /** Takes over an alert that another version of the rule told. */
  goOn(alert: Alert): void {
    this.#keep(alert)
  }

  /** What ended before `floor` does not change any more. */
  dropBefore(floor: number): void {
    for (const [start, { state, end }] of this.known) {
      if (state !== 'active' && (end ?? start) < floor) this.#forget(start)
    }
  }

  #again(before: Alert, episode: Episode, context: BookContext): Alert[] {
    const same = before.end === episode.end && before.raised === episode.raised && before.value === episode.value
    if (same) return []
    return [
      this.#tell(episode, context, { rev: before.rev + 1, movedFrom: before.movedFrom, change: changeOf(episode) }),
    ]
  }

  /** An episode that was not told; `from` is the alert that it was told as until now. */
  #fresh(episode: Episode, context: BookContext, from: Alert | undefined): Alert[] {
    const rev = (this.known.get(episode.start)?.rev ?? -1) + 1
    const change = from ? 'moved' : changeOf(episode)
    const told = this.#tell(episode, context, { rev, movedFrom: from?.id ?? null, change })
    return from ? [told, this.#withdraw(from, context)] : [told]
  }

  #withdraw(alert: Alert, { learned }: BookContext): Alert {
    return this.#keep({ ...alert, rev: alert.rev + 1, change: 'withdrawn', state: 'withdrawn', learned })
  }

  #tell(episode: Episode, context: BookContext, about: Pick<Alert, 'rev' | 'movedFrom' | 'change'>): Alert {
    const { rule, names, unit, learned } = context
    const { device } = names
    const facts: MessageFacts = {
      id: idOf(rule.id, names, episode.start),
      state: episode.end === null ? 'active' : 'cleared',
      ...{ rule: rule.id, version: rule.version, owner: rule.at === 'edge' ? 'edge' : 'cloud', cause: rule.cause },
      ...{ severity: rule.severity, ...names },
      ...{ start: episode.start, raised: episode.raised, end: episode.end },
      ...{ value: episode.value, threshold: thresholdOf(rule, episode.value), unit },
      labels: { ...(device === null ? {} : rule.labelsOf(names.site, device)), ...rule.definition.labels },
    }
    return this.#keep({ ...facts, ...about, learned, message: messageOf(rule, facts) })
  }

  #forget(start: number): void {
    this.known.delete(start)
    this.changed.add(start)
  }

  #keep(alert: Alert): Alert {
    this.known.set(alert.start, alert)
    this.changed.add(alert.start)
    return alert
  }
}

function changeOf({ end }: Episode): AlertChange {
  return end === null ? 'raised' : 'cleared'
}

function thresholdOf({ bounds }: CompiledRule, value: number | null): number | null {
  if (value === null) return null
  const limit = value > bounds.high || bounds.low === -never ? bounds.high : bounds.low
  return Number.isFinite(limit) ? limit : null
}
