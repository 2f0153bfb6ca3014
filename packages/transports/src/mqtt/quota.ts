import { z } from 'zod'

/** How much one device may send; the defaults let through what real fleets send, their backlogs and a simulated past. */
export const quotaSchema = z
  .object({
    /** In the long run; a message counts once, and once more for each KiB of it. */
    messagesPerSecond: z.number().min(1).max(1_000_000).default(1_000),
    /** What may come at once after a rest. */
    burst: z.int().min(1).max(100_000_000).default(60_000),
    /** `crowded`: a device over its quota waits only while others publish that keep well within theirs. */
    when: z.enum(['crowded', 'always', 'never']).default('crowded'),
  })
  .strict()
export type QuotaSettings = z.output<typeof quotaSchema>

export interface QuotaState extends QuotaSettings {
  /** Who waits at this moment: user, site/device of the topic, or client id; the first few. */
  waiting: string[]
  /** How often a connection was left unread, ever, and for how long in all. */
  pauses: number
  pausedMs: number
}

export interface Bucket {
  readonly name: string
  /** Messages that may still come; below zero the owner waits. */
  level: number
  atMs: number
  /** Connections that share it. */
  holders: number
}

/** What a connection read at once before the quota could bite is not held against anybody for longer. */
const maxDebtS = 5
const crowdedForMs = 1_000
const sweepEveryMs = 10_000
const maxDevices = 100_000
const shownNames = 10

/**
 * Token buckets. A connection has one, by its user or client id, which costs a subtraction for each chunk read. Only
 * while that is near its end are the devices counted that the topics of a connection tell of which may speak for many:
 * so a gateway may send one quota for each of its devices.
 */
export class Quota {
  readonly settings: QuotaSettings
  /** Connections whose devices are being counted. */
  watchers = 0
  readonly #now: () => number
  readonly #users = new Map<string, Bucket>()
  readonly #clients = new Map<string, Bucket>()
  readonly #devices = new Map<string, Bucket>()
  readonly #waiting = new Map<object, string>()
  #modestMs = Number.NEGATIVE_INFINITY
  #sweptMs = 0
  #pauses = 0
  #pausedMs = 0

  /** `now` is a monotonic clock, ms. */
  constructor(settings: QuotaSettings, now: () => number) {
    this.settings = settings
    this.#now = now
  }

  get nowMs(): number {
    return this.#now()
  }

  /** Below this the owner is read in morsels. */
  get calm(): number {
    return Math.min(this.settings.burst, this.settings.messagesPerSecond) / 2
  }

  /** The bucket that all connections of one user share. */
  ofUser(name: string): Bucket {
    return this.#shared(this.#users, name, this.settings.burst)
  }

  /** That of a client which may speak for many devices; it outlives a connection. */
  ofClient(name: string): Bucket {
    return this.#shared(this.#clients, name, this.settings.burst)
  }

  /** That of a device which a topic names. It has little saved up: its connection has spent that already. */
  ofDevice(name: string): Bucket {
    return this.#shared(this.#devices, name, Math.min(this.settings.burst, this.settings.messagesPerSecond))
  }

  #shared(buckets: Map<string, Bucket>, name: string, level: number): Bucket {
    const found = buckets.get(name)
    if (found) return found
    const bucket = { name, level, atMs: this.#now(), holders: 0 }
    if (buckets.size < maxDevices) buckets.set(name, bucket)
    return bucket
  }

  refill(bucket: Bucket, nowMs: number): void {
    const { messagesPerSecond, burst } = this.settings
    bucket.level = Math.min(burst, bucket.level + ((nowMs - bucket.atMs) / 1000) * messagesPerSecond)
    bucket.atMs = nowMs
  }

  charge(bucket: Bucket, cost: number): void {
    const most = maxDebtS * this.settings.messagesPerSecond * Math.max(1, bucket.holders)
    bucket.level = Math.max(bucket.level - cost, -most)
  }

  /** Told of every connection that publishes: one with more than half of its burst left is what a flood would harm. */
  publishes(bucket: Bucket): void {
    if (bucket.level * 2 > this.settings.burst) this.#modestMs = bucket.atMs
  }

  /** True while it harms somebody that this owner is over the quota; else what was sent too much is forgiven. */
  enforced(bucket: Bucket): boolean {
    const { when } = this.settings
    if (when === 'always' || (when === 'crowded' && bucket.atMs - this.#modestMs <= crowdedForMs)) return true
    bucket.level = Math.max(bucket.level, 0)
    return false
  }

  /** Until an empty bucket is at zero again. */
  waitMs({ level }: Bucket): number {
    return Math.max(1, Math.ceil((-level / this.settings.messagesPerSecond) * 1000))
  }

  paused(owner: object, { name }: Bucket, waitMs: number): void {
    this.#pauses++
    this.#pausedMs += waitMs
    this.#waiting.set(owner, name)
  }

  resumed(owner: object): void {
    this.#waiting.delete(owner)
  }

  state(): QuotaState {
    const names = new Set(this.#waiting.values())
    const waiting = [...names].slice(0, shownNames)
    return { ...this.settings, waiting, pauses: this.#pauses, pausedMs: Math.round(this.#pausedMs) }
  }

  /** Forgets who has been quiet and is not connected; call it now and then. */
  sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < sweepEveryMs) return
    this.#sweptMs = nowMs
    for (const buckets of [this.#users, this.#clients, this.#devices]) {
      for (const [name, bucket] of buckets) {
        this.refill(bucket, Math.max(nowMs, bucket.atMs))
        if (bucket.level >= this.settings.burst && bucket.holders === 0) buckets.delete(name)
      }
    }
  }
}
