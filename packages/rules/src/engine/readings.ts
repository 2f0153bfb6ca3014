import type { Alert } from '@millrace/contracts'
import { levelOf } from '../definition/bounds.ts'
import type { CompiledRule, RuleReading } from '../types.ts'
import { AlertBook } from './alert-book.ts'
import type { Core } from './core.ts'
import { calmState, type Episode, Fold, isCalm } from './fold.ts'
import type { Host } from './host.ts'
import type { Judged } from './judged.ts'
import type { Sample, SampleHolder, TakeSample } from './samples.ts'

/** Readings are forgotten in steps of this length, ms. */
const stepMs = 300_000
/** Readings are judged again when a late one comes this long after the newest, and no later, ms. */
const readingsHorizonMs = 900_000
/** A pause between readings that what is pending survives, ms. */
const patienceMs = 60_000

type Point = Pick<Sample, 'start' | 'value'>

function inOrder(a: Point, b: Point): number {
  return a.start - b.start || a.value - b.value
}

/** The newest readings of a series, in order of time, then value; equal ones once. */
export class ReadingLog implements SampleHolder {
  readonly id: number
  readonly points: Point[] = []
  /** Earlier readings come too late. */
  floorMs = Number.NEGATIVE_INFINITY

  constructor(id: number) {
    this.id = id
  }

  get newest(): number {
    return this.points.at(-1)?.start ?? Number.NEGATIVE_INFINITY
  }

  /** Whether it is new. */
  add(point: Point): boolean {
    let at = this.points.length
    while (at > 0 && inOrder(this.points[at - 1]!, point) > 0) at--
    const before = this.points[at - 1]
    if (before && inOrder(before, point) === 0) return false
    this.points.splice(at, 0, point)
    return true
  }

  /** Takes out those before `floor`. */
  cut(floor: number): Point[] {
    const kept = this.points.findIndex(({ start }) => start >= floor)
    return this.points.splice(0, kept < 0 ? this.points.length : kept)
  }

  eachSample(from: number, to: number, take: TakeSample): void {
    for (const { start, value } of this.points) {
      if (start >= from && start < to) take({ start, value, lengthMs: 0, level: 0 })
    }
  }

  loadSample({ start, value }: Sample): void {
    this.add({ start, value })
  }
}

/** One rule over the readings of one series. */
export class ReadingTimeline implements Judged {
  readonly key: string
  rule: CompiledRule
  readonly host: Host
  readonly book = new AlertBook()
  readonly #log: ReadingLog
  base = calmState()
  calm = true

  constructor(key: string, rule: CompiledRule, { host, log }: { host: Host; log: ReadingLog }) {
    this.key = key
    this.rule = rule
    this.host = host
    this.#log = log
  }

  get trivial(): boolean {
    return this.calm && isCalm(this.base) && this.book.known.size === 0
  }

  refold(learned: number): Alert[] {
    const { rule, host } = this
    return this.book.compare(this.#folded(), { rule, names: host.names, unit: host.unit, learned })
  }

  resume(): void {
    this.#folded()
  }

  /** The readings are about to be forgotten: what they came to is the base from now on. */
  settle(points: readonly Point[], floor: number): void {
    this.base = this.#fold(points).state
    this.book.dropBefore(floor)
  }

  #folded(): readonly Episode[] {
    const fold = this.#fold(this.#log.points)
    this.calm = isCalm(fold.state)
    return fold.all()
  }

  #fold(points: readonly Point[]): Fold {
    const { bounds, definition } = this.rule
    const fold = new Fold({ forMs: definition.for ?? 0, bounds, patienceMs }, this.base)
    for (const { start, value } of points) {
      const level = levelOf(value, bounds)
      if (level === 'bad') fold.bad(start, 0, value)
      else if (level === 'between') fold.between(start, 0)
      else fold.good(start, start)
    }
    return fold
  }
}

/** A series whose readings rules judge one by one. */
export class ReadingSeries {
  readonly host: Host
  readonly log: ReadingLog
  readonly #core: Core
  readonly #rules: readonly CompiledRule[]

  constructor(host: Host, core: Core, rules: readonly CompiledRule[]) {
    this.host = host
    this.#core = core
    this.#rules = rules
    this.log = core.holder(`l/${host.key}`, (id) => new ReadingLog(id))
    const floor = core.registry.note(this.log.id)
    if (floor !== '') this.log.floorMs = Math.max(this.log.floorMs, Number(floor))
  }

  take({ ts, value, unit }: RuleReading): void {
    const start = Math.floor(ts)
    const before = this.log.newest
    if (start < this.log.floorMs || start < floorOf(before) || !this.log.add({ start, value })) return
    this.host.unit = unit
    this.#core.sampleChanged(this.log.id, start)
    for (const rule of this.#rules) this.#judge(rule, value, start < before)
    if (this.log.points[0]!.start < floorOf(this.log.newest)) this.forget(floorOf(this.log.newest))
  }

  /** Begins anew: what was read so far stays as it was judged, and earlier readings come too late. */
  cut(): void {
    if (this.log.points.length === 0) return
    this.forget(this.log.newest + 1)
    this.#core.registry.setNote(this.log.id, String(this.log.floorMs))
  }

  /** Readings before `floor` do not change any more. */
  forget(floor: number): void {
    this.#core.settle(this.host)
    this.log.floorMs = floor
    const old = this.log.cut(floor)
    for (const timeline of this.#timelines()) {
      timeline.settle(old, floor)
      this.#core.changedTimelines.add(timeline.key)
      if (timeline.trivial) this.#core.drop(timeline)
    }
    for (const { start } of old) this.#core.sampleChanged(this.log.id, start)
  }

  #timelines(): ReadingTimeline[] {
    return [...(this.host.timelines?.values() ?? [])].filter((each) => each instanceof ReadingTimeline)
  }

  #judge(rule: CompiledRule, value: number, late: boolean): void {
    const known = this.host.timelines?.get(rule.id)
    const good = levelOf(value, rule.bounds) === 'good'
    if (good && (!known || (known instanceof ReadingTimeline && known.calm && !late))) return
    this.#core.touch(known ?? this.timeline(rule))
  }

  timeline(rule: CompiledRule): ReadingTimeline {
    const key = `${rule.id}/${this.host.key}`
    const timeline = new ReadingTimeline(key, rule, this)
    this.#core.keep(timeline)
    return timeline
  }
}

function floorOf(newest: number): number {
  return Math.floor((newest - readingsHorizonMs) / stepMs) * stepMs
}
