interface Sample {
  at: number
  wallMs: number
}

/**
 * The ingest's clock as the page knows it: carried on between samples at the speed the samples show,
 * because a replayed or simulated stack runs faster than the wall, or stands still.
 */
export class ServerClock {
  private last: Sample | undefined
  private speed = 1

  sample(at: number, wallMs: number): void {
    const before = this.last
    if (before && wallMs - before.wallMs >= 500) {
      const measured = (at - before.at) / (wallMs - before.wallMs)
      this.speed = Math.abs(measured - 1) < 0.1 ? 1 : Math.min(Math.max(measured, 0), 100_000)
    }
    if (!before || wallMs - before.wallMs >= 500) this.last = { at, wallMs }
  }

  get known(): boolean {
    return this.last !== undefined
  }

  now(wallMs: number): number {
    if (!this.last) return wallMs
    return this.last.at + (wallMs - this.last.wallMs) * this.speed
  }
}
