/** Measurements over which a recent latency is smoothed. */
const recentOver = 10

const slotMs = 5_000
const slots = 12

/** How much passed in the last minute: summaries come in bursts, once a window, so less says nothing. */
class LastMinute {
  private readonly counts = new Float64Array(slots)
  private readonly bornMs = performance.now()
  private newest = Math.floor(performance.now() / slotMs)

  add(count: number, nowMs: number): void {
    const slot = this.turnTo(nowMs)
    this.counts[slot % slots]! += count
  }

  perSecond(nowMs: number): number {
    const slot = this.turnTo(nowMs)
    const coveredMs = Math.min(nowMs - this.bornMs, nowMs - (slot - slots + 1) * slotMs)
    return (this.counts.reduce((sum, count) => sum + count, 0) * 1000) / Math.max(coveredMs, 1_000)
  }

  private turnTo(nowMs: number): number {
    const slot = Math.floor(nowMs / slotMs)
    for (let past = Math.max(this.newest + 1, slot - slots + 1); past <= slot; past++) this.counts[past % slots] = 0
    this.newest = slot
    return slot
  }
}

/** Counts what passes a stage. */
export class Tally {
  total = 0
  errors = 0
  /** Newest measurements weigh most; undefined before the first. */
  recentLatencyMs: number | undefined
  private readonly lastMinute = new LastMinute()
  private timedMs = 0
  private timed = 0

  /** `latencyMs`: how long it took. */
  passed(count: number, latencyMs?: number): void {
    this.total += count
    this.lastMinute.add(count, performance.now())
    if (latencyMs === undefined) return
    this.timedMs += latencyMs
    this.timed++
    const before = this.recentLatencyMs ?? latencyMs
    this.recentLatencyMs = before + (latencyMs - before) / recentOver
  }

  failed(count: number): void {
    this.errors += count
  }

  /** Of the last minute. */
  recentPerSecond(): number {
    return this.lastMinute.perSecond(performance.now())
  }

  /** Mean since the call before; undefined where nothing was timed. */
  takeLatencyMs(): number | undefined {
    const mean = this.timed > 0 ? this.timedMs / this.timed : undefined
    this.timedMs = 0
    this.timed = 0
    return mean
  }
}

/** Turns totals into rates; a total that fell, as after a restart, has none until it is seen again. */
export class Rates {
  private readonly known = new Map<string, { total: number; atMs: number; rate: number | undefined }>()

  /** Per second since the total before for this key; a total told twice, at one moment, has the rate it had. */
  perSecond(key: string, total: number, atMs: number): number | undefined {
    const before = this.known.get(key)
    if (before !== undefined && atMs <= before.atMs) return before.rate
    const rises = before !== undefined && total >= before.total
    const rate = rises ? ((total - before.total) * 1000) / (atMs - before.atMs) : undefined
    this.known.set(key, { total, atMs, rate })
    return rate
  }
}
