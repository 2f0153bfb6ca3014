import type { StoreState } from '@millrace/contracts'
import { backoff, type Logger, pause } from '@millrace/pipeline'
import type { Changes } from '../changes.ts'
import type { Stock } from '../stock.ts'
import type { Refusal, StoredRow } from '../stored.ts'
import { compareKeys } from '../stored.ts'
import { Tally } from '../tally.ts'
import { StoreAudit } from './audit.ts'
import { judgeLateParts } from './late-parts.ts'
import { mergeAll, mergeParts } from './merge.ts'
import { type RollupContext, rollUp, spansOf } from './rollup.ts'

const changesPerBatch = 5_000
const retryLimits = { minMs: 200, maxMs: 30_000 }
const maxIdleMs = 60_000
const notReached = 'not reached yet'
const maxAsked = 5
/** Real time between merges of dirty hours and days: in between, any number of changes costs one merge. */
const rollupEveryMs = { leastMs: 5_000, mostMs: 60_000 }
/** Share of the time that merging hours, and that merging days, may take while changes keep coming. */
const rollupShare = 0.05

export interface FeederOptions extends RollupContext {
  /** As configured. */
  type: string
  /** Whether this store's refusals count in the accounts; true for the first one. */
  accountable: boolean
  /** Called with rows that have just become readable. */
  written?: (rows: readonly StoredRow[]) => void
  rollupEveryMs?: { hours: number; days: number }
  /** Without it, what the store holds is not compared with the spool. */
  stock?: Stock
  /** Other ingests may write rows of the same devices. */
  shared?: boolean
  /** What is to be found out before the first row is written, and may move the cursor. Rejects while nobody answers. */
  before?: () => Promise<void>
}

interface Written {
  rows: StoredRow[]
  refusals: Refusal[]
}

/**
 * Brings one store up to the log at its own pace: read on from the cursor, merge the parts as they are now, write,
 * save the cursor. Ended between any two steps it repeats the batch, which changes nothing; and as a batch is always
 * made of the newest parts, revisions never go back.
 */
export class Feeder {
  private readonly options: FeederOptions
  private readonly logger: Logger
  readonly tally = new Tally()
  private readonly audit: StoreAudit | undefined
  private cursor = 0
  private tries = 0
  private error: string | null
  private checked: boolean
  /** So far what it took may be gone: all of it at a start, all before a failure after one; undefined: it is there. */
  private suspectUpTo: number | undefined = Number.POSITIVE_INFINITY
  private looked = false
  private asked = 0
  /** Spans may be dirty; always so at first, as an earlier life may have left some. */
  private readonly pending = { hours: true, days: true }
  private readonly dueMs = { hours: 0, days: 0 }
  private readonly spentMs = { hours: 0, days: 0 }

  constructor(options: FeederOptions) {
    this.options = options
    this.logger = options.logger
    if (options.stock) this.audit = new StoreAudit({ ...options, stock: options.stock })
    this.checked = options.store.check === undefined && options.before === undefined
    this.error = this.checked ? null : notReached
  }

  get name(): string {
    return this.options.name
  }

  get position(): number {
    return this.cursor
  }

  state(): StoreState {
    const behind = Math.max(0, this.options.log.head() - this.cursor)
    const { unaccounted = 0, checked = 0 } = this.audit ?? {}
    const mergesDue = this.pending.hours || this.pending.days
    return { type: this.options.type, behind, mergesDue, error: this.error, unaccounted, checked }
  }

  /** Resolves when the signal ends; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { log, name } = this.options
    this.cursor = await log.cursor(name)
    while (!signal.aborted) {
      try {
        await this.check()
        await this.resume()
        const busy = await this.step()
        this.recovered()
        if (!busy) await this.idle(signal)
      } catch (error) {
        await this.failed(error, signal)
      }
    }
  }

  /** Before the first row, so that a store which will not take it is known at the start. */
  private async check(): Promise<void> {
    if (this.checked) return
    const { store, before, log, name } = this.options
    await store.check?.()
    if (before) {
      await this.ask(before)
      this.cursor = await log.cursor(name)
    }
    this.checked = true
  }

  /** A store that takes rows but never answers such a question, being too large for it, is not left without them. */
  private async ask(before: () => Promise<void>): Promise<void> {
    try {
      await before()
    } catch (error) {
      if (++this.asked < maxAsked) throw error
      this.logger.error({ store: this.name, error }, 'the store does not say what it holds: it is fed all the same')
    }
  }

  /** A store that was put back from an old copy, or made anew, is given again all that the spool still has. */
  private async resume(): Promise<void> {
    if (this.suspectUpTo === undefined) return
    const upTo = Math.min(this.suspectUpTo, this.cursor)
    try {
      if (upTo > 0 && (await this.audit?.lacks(upTo))) {
        this.logger.error(
          { store: this.name },
          'the store lacks rows that it had taken: it is fed again from the spool',
        )
        this.cursor = 0
      }
    } catch (error) {
      // Where writing works and looking does not, rows go on and it is looked at later; not before the first look.
      if (!this.looked || this.options.log.head() <= this.cursor) throw error
      return
    }
    this.looked = true
    this.suspectUpTo = undefined
  }

  /** One batch of changes and whatever rollups are due; false when there was nothing to do. */
  async step(): Promise<boolean> {
    const fed = await this.feed()
    const hours = await this.rollUpWhenDue('hours')
    const days = await this.rollUpWhenDue('days')
    if (this.audit?.nextMs(this.cursor) !== undefined) await this.audit.look(this.cursor)
    return fed || hours || days
  }

  private async feed(): Promise<boolean> {
    const { log, name, accountable, written, clock } = this.options
    if (log.head() <= this.cursor) return false
    const changes = await log.read(this.cursor, changesPerBatch)
    const beganMs = performance.now()
    const { rows, refusals } = await this.write(changes)
    this.tally.passed(rows.length, performance.now() - beganMs)
    this.tally.failed(refusals.length)
    const dirty = this.dirtyOf(changes, rows)
    await this.audit?.refused(refusals)
    await log.settle({ store: name, upTo: changes.upTo, atMs: clock.now(), dirty, refusals, accountable })
    this.cursor = changes.upTo
    if (dirty.length > 0) Object.assign(this.pending, { hours: true, days: true })
    written?.(rows)
    return true
  }

  private async write({ windows, completeness }: Changes): Promise<Written> {
    const { allowed, refused } = await judgeLateParts(windows, this.options)
    const { rows, refusals } = mergeAll(allowed)
    rows.sort(compareKeys)
    if (rows.length + completeness.length > 0) {
      refusals.push(...(await this.options.store.write({ rows, completeness })))
    }
    const gone = new Set(refusals.map(({ row }) => row))
    for (const window of refused) {
      const detail = 'the stored row holds readings of other parts'
      refusals.push({ row: mergeParts({ ...window, parts: window.parts.slice(-1) }), reason: 'late-part', detail })
    }
    return { rows: rows.filter((row) => !gone.has(row)), refusals }
  }

  private dirtyOf({ windows }: Changes, rows: readonly StoredRow[]) {
    const ids = new Map(windows.map((window) => [`${window.site}/${window.device}/${window.metric}`, window.seriesId]))
    const marks = new Map<string, { tier: 'hours' | 'days'; seriesId: number; start: number }>()
    for (const row of rows) {
      const seriesId = ids.get(`${row.site}/${row.device}/${row.metric}`)!
      for (const span of spansOf(row.start, this.options.days)) {
        marks.set(`${span.tier}/${seriesId}/${span.start}`, { ...span, seriesId })
      }
    }
    return [...marks.values()]
  }

  /** The first change after a pause is merged at once, those that follow wait. */
  private async rollUpWhenDue(tier: 'hours' | 'days'): Promise<boolean> {
    if (!this.pending[tier] || performance.now() < this.dueMs[tier]) return false
    const beganMs = performance.now()
    const outcome = await rollUp(tier, this.options)
    this.spentMs[tier] += performance.now() - beganMs
    this.pending[tier] = outcome === 'more'
    if (outcome === 'done') {
      this.dueMs[tier] = performance.now() + this.rollupPauseMs(tier)
      this.spentMs[tier] = 0
    }
    return outcome !== 'clean'
  }

  private rollupPauseMs(tier: 'hours' | 'days'): number {
    const { leastMs, mostMs } = rollupEveryMs
    return this.options.rollupEveryMs?.[tier] ?? Math.min(mostMs, Math.max(leastMs, this.spentMs[tier] / rollupShare))
  }

  private async idle(signal: AbortSignal): Promise<void> {
    const due = (['hours', 'days'] as const).filter((tier) => this.pending[tier]).map((tier) => this.dueMs[tier])
    due.push(this.audit?.nextMs(this.cursor) ?? Number.POSITIVE_INFINITY)
    const timeout = new AbortController()
    const waitMs = Math.max(0, Math.min(...due, performance.now() + maxIdleMs) - performance.now())
    const timer = setTimeout(() => timeout.abort(), waitMs)
    await this.options.log.changed(this.cursor, AbortSignal.any([signal, timeout.signal]))
    clearTimeout(timer)
  }

  private recovered(): void {
    if (this.error !== null && this.error !== notReached)
      this.logger.info({ store: this.options.name }, 'the store takes rows again')
    this.error = null
    this.tries = 0
  }

  private async failed(error: unknown, signal: AbortSignal): Promise<void> {
    const message = error instanceof Error ? error.message : String(error)
    this.tries++
    if (message !== this.error)
      this.logger.warn({ store: this.options.name, tries: this.tries }, `${message}; trying again`)
    this.error = message
    const askedMs = error instanceof Error && 'retryAfterMs' in error ? Number(error.retryAfterMs) : 0
    // A store that was away may come back as an old copy of itself, or made anew.
    if (askedMs === 0) this.suspectUpTo ??= this.cursor
    await pause(Math.max(askedMs, backoff(this.tries, retryLimits)), signal).catch(() => undefined)
  }
}
