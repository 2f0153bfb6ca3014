/** Measurements over which a recent latency is smoothed. */
const recentOver = 10

/** Counts what passes a stage. */
export class Tally {
  total = 0
  errors = 0
  /** Newest measurements weigh most; undefined before the first. */
  recentLatencyMs: number | undefined
  private timedMs = 0
  private timed = 0

  /** `latencyMs`: how long it took. */
  passed(count: number, latencyMs?: number): void {
    this.total += count
    if (latencyMs === undefined) return
    this.timedMs += latencyMs
    this.timed++
    const before = this.recentLatencyMs ?? latencyMs
    this.recentLatencyMs = before + (latencyMs - before) / recentOver
  }

  failed(count: number): void {
    this.errors += count
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
