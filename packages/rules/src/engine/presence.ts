import type { Alert } from '@millrace/contracts'
import type { CompiledRule } from '../types.ts'
import { AlertBook } from './alert-book.ts'
import { calmState, type Episode } from './fold.ts'
import type { Host } from './host.ts'
import type { Judged } from './judged.ts'

/** An unbroken time, both ends included, epoch ms. */
export interface Span {
  from: number
  to: number
}

/** A span in which something was heard. */
export interface HeardSpan extends Span {
  /** Name of the observer that heard its beginning, who can tell of the silence before. */
  by: string
  /** How far that observer had come by then. */
  seen: number
}

const never = Number.POSITIVE_INFINITY

/** When something was heard. Silence shorter than any rule asks for is none. */
export class Presence {
  spans: HeardSpan[] = []
  /** Pauses shorter than this are no silence, ms. */
  bridgedMs: number

  constructor(bridgedMs: number) {
    this.bridgedMs = bridgedMs
  }

  get newest(): number {
    return this.spans.at(-1)?.to ?? Number.NEGATIVE_INFINITY
  }

  /** Whether it is in the newest span already. */
  holds(from: number, to: number): boolean {
    const last = this.spans[this.spans.length - 1]
    return last !== undefined && from >= last.from && to <= last.to
  }

  /** The common case: whether it belongs to the newest span, which then has it in it. */
  extend(from: number, to: number): boolean {
    const last = this.spans[this.spans.length - 1]
    if (last === undefined || from < last.from || from - last.to >= this.bridgedMs) return false
    if (to > last.to) last.to = to
    return true
  }

  /** Whether anything changed; `gap`: whether an earlier judgement may have. */
  hear(span: HeardSpan): { changed: boolean; gap: boolean } {
    const { spans, bridgedMs } = this
    const at = spans.findLastIndex(({ from }) => from <= span.from) + 1
    const last = at === spans.length
    const before = spans[at - 1]
    if (before && span.to <= before.to) return { changed: false, gap: false }
    const joins = before !== undefined && span.from - before.to < bridgedMs
    if (joins) before.to = span.to
    else spans.splice(at, 0, { ...span })
    this.#join(joins ? at - 1 : at)
    return { changed: true, gap: !(joins && last) }
  }

  /** Joins a span with those after it that are near enough. */
  #join(at: number): void {
    const { spans, bridgedMs } = this
    const span = spans[at]!
    for (let next = spans[at + 1]; next && next.from - span.to < bridgedMs; next = spans[at + 1]) {
      span.to = Math.max(span.to, next.to)
      spans.splice(at + 1, 1)
    }
  }

  /** Keeps the newest span, however old: a silence goes on until something is heard. Whether any went. */
  dropBefore(floor: number): boolean {
    const kept = this.spans.findIndex(({ to }) => to >= floor)
    return this.spans.splice(0, Math.max(0, kept < 0 ? this.spans.length - 1 : kept - 1)).length > 0
  }
}

/**
 * Times in which an observer listened. Only while it listens is anybody silent: an agent that was away, or an evaluator
 * that was, makes no silence.
 */
export class Observer {
  runs: Span[] = []
  /** It said that it goes away. */
  away = false
  /** A pause between two signs of life that breaks nothing, ms. */
  readonly patienceMs: number

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs
  }

  get at(): number {
    return this.runs.at(-1)?.to ?? Number.NEGATIVE_INFINITY
  }

  /** `since`: from when on it has listened without a break, where that is known. Whether anything changed. */
  listens(at: number, since?: number): boolean {
    if (at < this.at && !this.#steppedBack(at)) return false
    const last = this.runs.at(-1)
    const unbroken = last && (since === undefined ? !this.away && at - last.to <= this.patienceMs : since <= last.to)
    this.away = false
    if (unbroken) {
      if (last.to === at) return false
      last.to = at
    } else this.runs.push({ from: Math.min(at, Math.max(since ?? at, this.at)), to: at })
    return true
  }

  /** Start of the first run that lies long enough in a silence, and when it was long enough. */
  foundSilent({ from, to }: Span, forMs: number): number | undefined {
    for (const run of this.runs) {
      const since = Math.max(from, run.from)
      if (Math.min(to, run.to) - since >= forMs) return since + forMs
    }
    return undefined
  }

  /** Whether any run went. */
  dropBefore(floor: number): boolean {
    const kept = this.runs.findIndex(({ to }) => to >= floor)
    return this.runs.splice(0, kept < 0 ? Math.max(0, this.runs.length - 1) : kept).length > 0
  }

  /** A clock that was set back takes with it what it never lived through. */
  #steppedBack(at: number): boolean {
    if (this.at - at <= this.patienceMs) return false
    this.runs = this.runs.filter(({ from }) => from <= at)
    const last = this.runs.at(-1)
    if (last) last.to = Math.min(last.to, at)
    return true
  }
}

/** One rule of silence at one device or agent. */
export class Silence implements Judged {
  readonly key: string
  rule: CompiledRule
  readonly host: Host
  readonly book = new AlertBook()
  /** Of an active episode whose beginning is forgotten. */
  base = calmState()
  readonly #presence: Presence
  readonly #observerOf: (name: string) => Observer | undefined

  constructor(about: {
    key: string
    rule: CompiledRule
    host: Host
    presence: Presence
    observerOf: (name: string) => Observer | undefined
  }) {
    this.key = about.key
    this.rule = about.rule
    this.host = about.host
    this.#presence = about.presence
    this.#observerOf = about.observerOf
  }

  get trivial(): boolean {
    return this.book.known.size === 0
  }

  refold(learned: number): Alert[] {
    const { rule, host } = this
    return this.book.compare(this.#episodes(), { rule, names: host.names, unit: '', learned })
  }

  #episodes(): Episode[] {
    const { spans } = this.#presence
    return spans.flatMap(({ to: start }, at): Episode[] => {
      const next = spans[at + 1]
      const observer = this.#observerOf(next?.by ?? this.host.names.agent ?? '')
      const raised = this.#raised(observer, { from: start, to: next ? Math.min(next.from, next.seen) : never })
      return raised === undefined ? [] : [{ start, raised, end: next?.from ?? null, value: null }]
    })
  }

  resume(): void {}

  /** What was raised stays raised for as long as nothing was heard in it, whoever listens now. */
  #raised(observer: Observer | undefined, silence: Span): number | undefined {
    const told = this.book.known.get(silence.from)
    const stays = told && told.state !== 'withdrawn' && told.raised <= silence.to
    return stays ? told.raised : observer?.foundSilent(silence, this.rule.definition.for!)
  }
}
