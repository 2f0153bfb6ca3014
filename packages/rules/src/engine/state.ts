import type { RuleStateChange } from '../types.ts'
import { fromJsonBytes, jsonBytes } from './bytes.ts'
import { encodeLines, encodePresences, encodeSamples } from './codec.ts'
import type { Core } from './core.ts'
import type { FoldState } from './fold.ts'
import type { Judged } from './judged.ts'
import type { HeardSpan, Span } from './presence.ts'
import { blockShift } from './registry.ts'
import type { Silences } from './silences.ts'
import type { WatchedAgent } from './watched.ts'

export interface SavedMeta {
  v: 1
  epoch: number
  now: number
  sweptHour: number
  /** Version and epoch by id. */
  rules: Record<string, [string, number]>
  evaluator: Span[]
}

export interface SavedAgent {
  observer: Span[]
  away: boolean
  /** In the evaluator's time. */
  spans: HeardSpan[]
  /** Null before it ever spoke. */
  spoke: number | null
}

/** What the parts of an engine are kept as; the keys are in `restore.ts` too. */
export class StateWriter {
  readonly #core: Core
  readonly #silences: Silences
  #now = Number.NaN
  #epoch = -1
  #known: SavedMeta['rules'] | undefined

  constructor(core: Core, silences: Silences) {
    this.#core = core
    this.#silences = silences
  }

  take(rules: SavedMeta['rules']): RuleStateChange[] {
    const { epoch, now, sweptHour } = this.#core
    const meta = { v: 1, epoch, now, sweptHour, evaluator: this.#silences.list.evaluator.runs } as const
    this.#core.kept()
    const otherRules = rules !== this.#known
    const changed = now !== this.#now || epoch !== this.#epoch || otherRules
    ;[this.#now, this.#epoch, this.#known] = [now, epoch, rules]
    return [
      ...(otherRules ? [{ key: 'rules', bytes: jsonBytes(rules) }] : []),
      ...(changed ? [metaChange(meta)] : []),
      ...this.#lines(),
      ...this.#samples(),
      ...this.#timelines(),
      ...this.#presences(),
      ...this.#agents(),
      ...this.#names(),
    ]
  }

  #names(): RuleStateChange[] {
    const { registry } = this.#core
    return taken(registry.changedBlocks).map((block) => ({
      key: `n/${block}`,
      bytes: jsonBytes(registry.block(block)),
    }))
  }

  #lines(): RuleStateChange[] {
    const { lines, epoch, changedLines } = this.#core
    return taken(changedLines).map((block) => ({ key: `c/${block}`, bytes: encodeLines(lines.of(block), epoch) }))
  }

  #samples(): RuleStateChange[] {
    const { changedSamples, holderBlocks } = this.#core
    const changes: RuleStateChange[] = []
    for (const [block, buckets] of changedSamples) {
      for (const bucket of buckets) {
        const bytes = encodeSamples(holderBlocks.of(block), block << blockShift, bucket)
        changes.push({ key: `s/${block}/${bucket}`, bytes })
      }
    }
    changedSamples.clear()
    return changes
  }

  #timelines(): RuleStateChange[] {
    const { timelines, changedTimelines, goneAlerts } = this.#core
    const gone = taken(goneAlerts).map((key) => ({ key: `e/${key}`, bytes: null }))
    const kept = taken(changedTimelines).flatMap((key): RuleStateChange[] => {
      const timeline = timelines.get(key)
      if (!timeline) return [{ key: `t/${key}`, bytes: null }]
      return [{ key: `t/${key}`, bytes: timeline.trivial ? null : jsonBytes(timeline.base) }, ...alertChanges(timeline)]
    })
    return [...gone, ...kept]
  }

  #presences(): RuleStateChange[] {
    const { watched, changedDevices } = this.#silences.list
    const blocks = new Set<number>()
    for (const { host } of changedDevices) blocks.add(host.line.id >> blockShift)
    changedDevices.clear()
    const idOf = this.#agentIds()
    return [...blocks].map((block) => ({ key: `p/${block}`, bytes: encodePresences(watched.of(block), idOf) }))
  }

  /** Most devices of a block are heard by the same agent. */
  #agentIds(): (name: string) => number {
    let [last, id] = ['', -1]
    return (name) => {
      if (name !== last || id < 0) id = this.#core.registry.id(`m/${name}`)
      last = name
      return id
    }
  }

  #agents(): RuleStateChange[] {
    return taken(this.#silences.list.changedAgents).map((agent) => {
      return { key: `o/${agent.site}/${agent.name}`, bytes: jsonBytes(savedAgent(agent)) }
    })
  }
}

function metaChange(meta: Omit<SavedMeta, 'rules'>): RuleStateChange {
  return { key: 'meta', bytes: jsonBytes(meta) }
}

function taken<Item>(set: Set<Item>): Item[] {
  const items = [...set]
  set.clear()
  return items
}

function alertChanges({ key, book }: Judged): RuleStateChange[] {
  return taken(book.changed).map((start) => {
    const alert = book.known.get(start)
    return { key: `e/${key}/${start}`, bytes: alert ? jsonBytes(alert) : null }
  })
}

function savedAgent({ observer, presence, spoke }: WatchedAgent): SavedAgent {
  return { observer: observer.runs, away: observer.away, spans: presence.spans, spoke }
}

/** Numbers that are none were kept as null. */
export function readBase(bytes: Uint8Array): FoldState {
  const base = Object.entries(fromJsonBytes(bytes) as Record<keyof FoldState, FoldState[keyof FoldState] | null>)
  return Object.fromEntries(base.map(([key, value]) => [key, value ?? Number.NaN])) as unknown as FoldState
}
