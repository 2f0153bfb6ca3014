import type { Clock, Logger } from '@millrace/pipeline'
import type { DeviceStock, Stock } from '../stock.ts'
import type { DeviceCount, Refusal, Store } from '../stored.ts'

export interface AuditOptions {
  name: string
  store: Store
  stock: Stock
  clock: Clock
  logger: Logger
  accountable: boolean
  /** Other ingests may write rows of the same devices. */
  shared?: boolean
}

export const spanMs = 600_000
const forgottenMs = 50 * 3_600_000
const spansPerPass = 6
/** Changes before those of the last while are not looked at again after a start. */
const lookBack = 50_000
/** What is looked at to see whether the store is the one that was fed: its last changes, in the newest spans of them. */
const takenLast = 5_000
const spansAtStart = 24
/** Real time between looks, of which at most this share is spent on looking. */
const leastPauseMs = 3_000
const share = 0.02

const keyOf = ({ site, device }: { site: string; device: string }) => `${site}/${device}`

/**
 * Readings by which one device's rows differ from what the spool holds: above 0 missing, below 0 too many, which in a
 * shared store are another ingest's.
 */
function differencesOf(
  held: readonly DeviceStock[],
  stored: readonly DeviceCount[],
  shared = false,
): Map<string, number> {
  const counts = new Map(stored.map((device) => [keyOf(device), device.readings]))
  const differences = new Map<string, number>()
  for (const device of held) {
    const difference = device.readings - (counts.get(keyOf(device)) ?? 0)
    if (difference > 0 || (difference < 0 && !shared)) differences.set(keyOf(device), difference)
  }
  return differences
}

/**
 * Compares the readings in a store's rows with those in the spool's parts, ten minutes of event time at once, wherever
 * something changed. Called between the feeder's steps, so that nothing is written meanwhile; devices of which the
 * store has not taken everything are compared at a later look.
 */
export class StoreAudit {
  private readonly options: AuditOptions
  private readonly due = new Set<number>()
  private readonly found = new Map<number, Map<string, number>>()
  private seenUpTo: number | undefined
  private dueMs = 0
  private spentMs = 0
  /** Readings compared since the start, counted again where they were compared again. */
  checked = 0

  constructor(options: AuditOptions) {
    this.options = options
  }

  /** Readings missing in the store or there too often. */
  get unaccounted(): number {
    let total = 0
    for (const differences of this.found.values()) for (const one of differences.values()) total += Math.abs(one)
    return total
  }

  /** Whether readings are missing among what the store took last: it is an old copy, or a new one. */
  async lacks(takenUpTo: number): Promise<boolean> {
    const { name, store, stock, clock } = this.options
    const wholeFrom = await stock.wholeFrom(clock.now())
    const changed = await stock.changed(Math.max(0, takenUpTo - takenLast), takenUpTo, spanMs)
    const newest = changed.filter((start) => start >= wholeFrom).sort((a, b) => b - a)
    for (const from of newest.slice(0, spansAtStart)) {
      const span = { from, to: from + spanMs }
      // The store may have more of what has changed since, and never less of what has not.
      const taken = await stock.held({ store: name, ...span, upTo: takenUpTo })
      const differences = differencesOf(taken, await store.readCounts(span))
      if ([...differences.values()].some((readings) => readings > 0)) return true
    }
    return false
  }

  /** When the next look is due, on the monotonic clock; undefined where there is nothing to look at. */
  nextMs(cursor: number): number | undefined {
    return this.due.size > 0 || cursor > (this.seenUpTo ?? 0) ? this.dueMs : undefined
  }

  /** Rows that the store refused, where the spool does not know or cannot tell which readings they hold. */
  async refused(refusals: readonly Refusal[]): Promise<void> {
    const { name, stock, accountable, clock } = this.options
    const untold = refusals.filter(({ reason }) => !accountable || reason === 'late-part')
    if (untold.length === 0) return
    const devices = untold.map(({ row: { site, device, start } }) => {
      return { store: name, start: Math.floor(start / spanMs) * spanMs, site, device }
    })
    await stock.leave(devices, clock.now() - forgottenMs)
  }

  /** Compares what is due; `cursor` is how far the store has come. Rejects where the store or the spool does. */
  async look(cursor: number): Promise<void> {
    if (performance.now() < this.dueMs) return
    const beganMs = performance.now()
    const { stock } = this.options
    this.seenUpTo ??= Math.max(0, cursor - lookBack)
    for (const start of await stock.changed(this.seenUpTo, cursor, spanMs)) this.due.add(start)
    this.seenUpTo = cursor
    const wholeFrom = await stock.wholeFrom(this.options.clock.now())
    this.forget(wholeFrom)
    const newest = [...this.due].sort((a, b) => b - a).slice(0, spansPerPass)
    for (const start of newest) await this.compare(start, cursor)
    this.spentMs = performance.now() - beganMs
    this.dueMs = performance.now() + Math.max(leastPauseMs, this.spentMs / share)
  }

  private forget(wholeFrom: number): void {
    for (const spans of [this.due, this.found])
      for (const start of spans.keys()) if (start < wholeFrom) spans.delete(start)
  }

  private async compare(start: number, cursor: number): Promise<void> {
    const { name, store, stock, shared } = this.options
    const span = { from: start, to: start + spanMs }
    const held = await stock.held({ store: name, ...span })
    const settled = held.filter(({ n }) => n <= cursor)
    const differences = differencesOf(settled, await store.readCounts(span), shared)
    if (settled.length === held.length) this.due.delete(start)
    this.checked += settled.reduce((sum, { readings }) => sum + readings, 0)
    this.note(start, settled, differences)
  }

  /** What was found before stays for devices that could not be compared now. */
  private note(start: number, settled: readonly DeviceStock[], differences: ReadonlyMap<string, number>): void {
    const known = this.found.get(start) ?? new Map<string, number>()
    for (const device of settled) {
      const key = keyOf(device)
      const difference = differences.get(key)
      if (difference === undefined) known.delete(key)
      else if (known.get(key) !== difference) {
        known.set(key, difference)
        this.options.logger.error(
          { store: this.options.name, device: key, start, difference },
          'rows differ from the spool',
        )
      }
    }
    if (known.size > 0) this.found.set(start, known)
    else this.found.delete(start)
  }
}
