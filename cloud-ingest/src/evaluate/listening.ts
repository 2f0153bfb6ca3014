import type { CloudLink } from '../cloud-link.ts'

/**
 * Whether agents could have been heard: while the ingest itself is cut off, or has just come back, the silence is its
 * own. Real time, as agents tell that they are there in real time.
 */
export class Listening {
  private readonly link: Pick<CloudLink, 'problem'>
  private readonly settleMs: number
  private sinceMs: number | undefined

  constructor(link: Pick<CloudLink, 'problem'>, settleMs: number) {
    this.link = link
    this.settleMs = settleMs
  }

  connected(): void {
    this.sinceMs = performance.now()
  }

  now(): boolean {
    if (this.link.problem() !== undefined) this.sinceMs = undefined
    else this.sinceMs ??= performance.now()
    return this.sinceMs !== undefined && performance.now() - this.sinceMs >= this.settleMs
  }
}
