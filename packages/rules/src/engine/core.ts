import type { Alert } from '@millrace/contracts'
import { levelOf } from '../definition/bounds.ts'
import type { CompiledRule } from '../types.ts'
import type { Names } from './alert-book.ts'
import { bad, between } from './exceptions.ts'
import { Host } from './host.ts'
import type { Judged } from './judged.ts'
import { Line } from './line.ts'
import { Blocks, blockShift, Registry } from './registry.ts'
import { bucketMs, type SampleHolder } from './samples.ts'
import { Timeline } from './timeline.ts'
import { Track } from './track.ts'

export interface Window {
  start: number
  lengthMs: number
}

/** What every kind of rule works with: lines, timelines, samples, and the marks of what must be kept. */
export class Core {
  readonly horizonMs: number
  readonly registry = new Registry()
  readonly hosts = new Map<string, Host>()
  readonly lines = new Blocks<Line>()
  readonly timelines = new Map<string, Judged>()
  readonly holders = new Map<number, SampleHolder>()
  readonly holderBlocks = new Blocks<SampleHolder>()
  /** By id of the rule: judgements of runs with an older epoch are not its own. */
  readonly epochs = new Map<string, number>()
  epoch = 0
  /** The evaluator's time. */
  now = 0
  /** Of the evaluator's time, when old things were last forgotten. */
  sweptHour = 0
  readonly changedLines = new Set<number>()
  readonly changedTimelines = new Set<string>()
  /** Keys of alerts that need not be kept any more. */
  readonly goneAlerts = new Set<string>()
  /** By block, the buckets in which a sample changed. */
  readonly changedSamples = new Map<number, Set<number>>()
  readonly #dirty = new Set<Judged>()
  readonly #told: Alert[] = []
  /** Marked last: the next mark is mostly the same. */
  #lastLineBlock = -1
  #lastBlock = -1
  #lastBucket = 0
  readonly #usedTracks = new Set<number>()

  constructor(horizonMs: number) {
    this.horizonMs = horizonMs
  }

  host(key: string, names: Names): Host {
    let host = this.hosts.get(key)
    if (host === undefined) {
      host = new Host(key, names, new Line(this.registry.id(key)))
      host.unit = this.registry.note(host.line.id)
      this.hosts.set(key, host)
      this.lines.set(host.line.id, host.line)
    }
    return host
  }

  /** Values of a field of a series; those that nobody asks for any more are forgotten by `forgetUnused`. */
  track(key: string): Track {
    this.#usedTracks.add(this.registry.id(key))
    return this.holder(key, (id) => new Track(id))
  }

  holder<Holder extends SampleHolder>(key: string, create: (id: number) => Holder): Holder {
    const id = this.registry.id(key)
    const known = this.holders.get(id)
    if (known !== undefined) return known as Holder
    const holder = create(id)
    this.#hold(id, holder)
    return holder
  }

  dropHost({ key, line }: Host): void {
    this.hosts.delete(key)
    this.lines.set(line.id, undefined)
    this.lineChanged(line)
  }

  #hold(id: number, holder: SampleHolder): void {
    this.holders.set(id, holder)
    this.holderBlocks.set(id, holder)
  }

  #release(id: number): void {
    this.holders.delete(id)
    this.holderBlocks.set(id, undefined)
  }

  lineChanged({ id }: Line): void {
    const block = id >> blockShift
    if (block === this.#lastLineBlock) return
    this.#lastLineBlock = block
    this.changedLines.add(block)
  }

  sampleChanged(id: number, start: number): void {
    const block = id >> blockShift
    const bucket = Math.floor(start / bucketMs)
    if (block === this.#lastBlock && bucket === this.#lastBucket) return
    ;[this.#lastBlock, this.#lastBucket] = [block, bucket]
    const buckets = this.changedSamples.get(block) ?? new Set()
    this.changedSamples.set(block, buckets.add(bucket))
  }

  /** What changed was kept. */
  kept(): void {
    ;[this.#lastLineBlock, this.#lastBlock] = [-1, -1]
  }

  /** Judges a window that the line of the host covers already. */
  record(host: Host, rule: CompiledRule, window: Window & { value: number }): void {
    const { start, lengthMs, value } = window
    const level = levelOf(value, rule.bounds)
    let timeline = host.timelines?.get(rule.id) as Timeline | undefined
    if (level === 'good') {
      if (timeline?.judgeGood(start)) this.#judged(timeline, start)
      return
    }
    timeline ??= this.timeline(host, rule)
    const code = level === 'bad' ? bad : between
    if (timeline.judge({ start, lengthMs, level: code, value })) this.#judged(timeline, start)
  }

  timeline(host: Host, rule: CompiledRule): Timeline {
    const key = `${rule.id}/${host.key}`
    const id = this.registry.id(`x/${key}`)
    const timeline = new Timeline({ id, key, rule, host, epoch: this.epochs.get(rule.id) ?? 0 })
    this.#hold(id, timeline.exceptions)
    this.keep(timeline)
    return timeline
  }

  keep(timeline: Judged): void {
    const { host, rule } = timeline
    host.timelines ??= new Map()
    host.timelines.set(rule.id, timeline)
    this.timelines.set(timeline.key, timeline)
  }

  drop(timeline: Judged): void {
    const { known, changed } = timeline.book
    for (const start of [...known.keys(), ...changed]) this.goneAlerts.add(`${timeline.key}/${start}`)
    this.#dirty.delete(timeline)
    this.timelines.delete(timeline.key)
    if (timeline instanceof Timeline) this.#dropExceptions(timeline)
    timeline.host.timelines?.delete(timeline.rule.id)
    if (timeline.host.timelines?.size === 0) timeline.host.timelines = undefined
    this.changedTimelines.add(timeline.key)
  }

  touch(timeline: Judged): void {
    this.#dirty.add(timeline)
  }

  tell(alerts: readonly Alert[]): void {
    this.#told.push(...alerts)
  }

  /** Folds what changed; answers with every alert that changed since the last call. */
  takeAlerts(): Alert[] {
    for (const timeline of this.#dirty) {
      this.#refold(timeline)
      if (timeline.trivial) this.drop(timeline)
    }
    this.#dirty.clear()
    return this.#told.splice(0)
  }

  /** What a subject came to, before what it came from is forgotten. */
  settle(host: Host): void {
    for (const timeline of host.timelines?.values() ?? []) if (this.#dirty.delete(timeline)) this.#refold(timeline)
  }

  /** Forgets what is too old to change. */
  sweep(): void {
    for (const host of this.hosts.values()) {
      if (Number.isNaN(host.line.newest)) continue
      const floor = host.line.floor(this.horizonMs)
      this.settle(host)
      for (const timeline of [...(host.timelines?.values() ?? [])]) this.#forget(timeline, floor)
      if (host.line.dropBefore(floor)) this.lineChanged(host.line)
    }
  }

  /** Other rules come: what they ask for again stays. */
  releaseTracks(): void {
    this.#usedTracks.clear()
  }

  forgetUnused(): void {
    for (const [id, holder] of this.holders) {
      if (!(holder instanceof Track) || this.#usedTracks.has(id)) continue
      holder.eachSample(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, ({ start }) =>
        this.sampleChanged(id, start),
      )
      this.#release(id)
    }
  }

  #refold(timeline: Judged): void {
    const alerts = timeline.refold(this.now)
    if (alerts.length > 0) this.changedTimelines.add(timeline.key)
    this.tell(alerts)
  }

  #judged(timeline: Timeline, start: number): void {
    this.#dirty.add(timeline)
    this.sampleChanged(timeline.id, start)
  }

  #forget(timeline: Judged, floor: number): void {
    if (!(timeline instanceof Timeline)) return
    for (const { start } of timeline.settle(floor)) this.sampleChanged(timeline.id, start)
    if (timeline.trivial) this.drop(timeline)
    else this.changedTimelines.add(timeline.key)
  }

  #dropExceptions(timeline: Timeline): void {
    timeline.exceptions.eachSample(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, ({ start }) =>
      this.sampleChanged(timeline.id, start),
    )
    this.#release(timeline.id)
  }
}
