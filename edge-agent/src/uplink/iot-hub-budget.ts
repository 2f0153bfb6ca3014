import { type HubTier, hubBlocks, hubOwnShare, hubTiers } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import { z } from 'zod'
import type { UplinkState } from './uplink.ts'

/** Blocks a day that an agent takes of a hub where nobody set them. */
export function defaultBlocksPerDay(tier: HubTier, units: number): number {
  return Math.floor(hubTiers[tier].blocks * units * hubOwnShare)
}

/**
 * `free`: as ever. `no-live`: the day's limit would be reached, or is near, so live readings stop. `packing`: it would
 * be reached without them too, so what closes waits to be packed fuller. `held`: it is reached; messages wait for the
 * next UTC day.
 */
export type BudgetStage = 'free' | 'no-live' | 'packing' | 'held'

export interface BudgetStatus {
  /** UTC day that is counted. */
  day: string
  used: number
  maxBlocksPerDay: number
  blockBytes: number
  stage: BudgetStage
  /** Of the last hour. */
  blocksPerHour: number
  /** When the day's limit will be reached as things go, ISO 8601; null: not today. */
  reachedAt: string | null
}

export interface BudgetOptions {
  maxBlocksPerDay: number
  blockBytes: number
  clock: Clock
  state: UplinkState
}

const key = 'budget'
const savedSchema = z.object({ day: z.int(), used: z.int().nonnegative() })
const dayMs = 86_400_000
const minuteMs = 60_000
const rateMinutes = 60
/** A rate says something only after this long. */
const settleMinutes = 10
const nearLive = 0.9
const nearPacking = 0.95

/**
 * Blocks of one UTC day. On disk there are always some more than were used, so that a kill gives no new quota and not
 * every message costs a write.
 */
export class Budget {
  readonly #options: BudgetOptions
  #maxBlocksPerDay: number
  #day: number
  #used = 0
  #onDisk = 0
  #saving: Promise<void> | undefined
  /** Blocks of messages of the outbox and of all others, by minute. */
  readonly #minutes = new Map<number, { kept: number; other: number }>()
  #sinceMinute: number

  constructor(options: BudgetOptions) {
    this.#options = options
    this.#maxBlocksPerDay = options.maxBlocksPerDay
    this.#day = this.#today()
    this.#sinceMinute = this.#minute()
  }

  /** Takes up the day's count where the last run left it. A count that cannot be read begins anew. */
  async restore(): Promise<void> {
    const bytes = await this.#options.state.load(key)
    if (!bytes) return
    try {
      const { day, used } = savedSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
      if (day === this.#today()) this.#used = used
      this.#onDisk = this.#used
    } catch {
      this.#onDisk = 0
    }
  }

  get maxBlocksPerDay(): number {
    return this.#maxBlocksPerDay
  }

  set maxBlocksPerDay(blocks: number) {
    this.#maxBlocksPerDay = blocks
  }

  blocksOf(bytes: number): number {
    return hubBlocks(bytes, this.#options)
  }

  /** True where a message of the outbox may be sent, which is counted at once; on disk are always some blocks more. */
  async admits(bytes: number): Promise<boolean> {
    for (;;) {
      this.#turn()
      if (this.#used >= this.#maxBlocksPerDay) return false
      if (this.#used < this.#onDisk) break
      this.#saving ??= this.#save().finally(() => {
        this.#saving = undefined
      })
      await this.#saving
    }
    this.#count(this.blocksOf(bytes), 'kept')
    return true
  }

  /** A message that was not admitted, or is sent once more: the hub counts repeats too. */
  count(bytes: number, kept: boolean): void {
    this.#turn()
    this.#count(this.blocksOf(bytes), kept ? 'kept' : 'other')
  }

  #count(blocks: number, kind: 'kept' | 'other'): void {
    this.#used += blocks
    const minute = this.#minute()
    const counts = this.#minutes.get(minute) ?? { kept: 0, other: 0 }
    this.#minutes.set(minute, counts)
    counts[kind] += blocks
  }

  get stage(): BudgetStage {
    this.#turn()
    const max = this.#maxBlocksPerDay
    const used = this.#used
    if (used >= max) return 'held'
    const { kept, all } = this.#rates()
    const leftMinutes = (dayMs - (this.#options.clock.now() % dayMs)) / minuteMs
    if (used >= max * nearPacking || used + kept * leftMinutes > max) return 'packing'
    return used >= max * nearLive || used + all * leftMinutes > max ? 'no-live' : 'free'
  }

  status(): BudgetStatus {
    const { stage } = this
    const { all } = this.#rates()
    const now = this.#options.clock.now()
    const left = Math.max(0, this.#maxBlocksPerDay - this.#used)
    const reachedMs = left === 0 ? now : now + (left / all) * minuteMs
    const today = Math.floor(reachedMs / dayMs) === this.#day
    return {
      day: new Date(this.#day * dayMs).toISOString().slice(0, 10),
      used: this.#used,
      maxBlocksPerDay: this.#maxBlocksPerDay,
      blockBytes: this.#options.blockBytes,
      stage,
      blocksPerHour: Math.round(all * 60),
      reachedAt: today ? new Date(reachedMs).toISOString() : null,
    }
  }

  /** Blocks a minute; nothing is said of a time too short. */
  #rates(): { kept: number; all: number } {
    const minute = this.#minute()
    const minutes = Math.min(rateMinutes, minute - this.#sinceMinute)
    if (minutes < settleMinutes) return { kept: 0, all: 0 }
    let kept = 0
    let other = 0
    for (const [at, counts] of this.#minutes) {
      if (at < minute - rateMinutes) this.#minutes.delete(at)
      else if (at < minute) {
        kept += counts.kept
        other += counts.other
      }
    }
    return { kept: kept / minutes, all: (kept + other) / minutes }
  }

  #turn(): void {
    const day = this.#today()
    if (day <= this.#day) return
    this.#day = day
    this.#used = 0
    this.#onDisk = 0
  }

  async #save(): Promise<void> {
    const ahead = Math.max(64, Math.ceil(this.#maxBlocksPerDay / 500))
    const saved = { day: this.#day, used: this.#used + ahead }
    await this.#options.state.save(key, Buffer.from(JSON.stringify(saved)))
    if (saved.day === this.#day) this.#onDisk = saved.used
  }

  #today(): number {
    return Math.floor(this.#options.clock.now() / dayMs)
  }

  #minute(): number {
    return Math.floor(this.#options.clock.now() / minuteMs)
  }
}
