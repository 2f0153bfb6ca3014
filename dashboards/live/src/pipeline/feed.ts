import type { App } from '../app.ts'
import { api } from '../net/api.ts'

const everyMs = 2_000

/** Asks how the pipeline is for as long as a view shows it. */
export class PipelineFeed {
  private readonly app: App
  private readonly changed: () => void
  private timer: ReturnType<typeof setTimeout> | undefined
  private closed = false
  private asked = false

  constructor(app: App, changed: () => void) {
    this.app = app
    this.changed = changed
    void this.poll()
  }

  /** Something has changed: the next answer is asked for at once. */
  soon(): void {
    if (this.timer === undefined) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => void this.poll(), 100)
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  private async poll(): Promise<void> {
    this.timer = undefined
    const startMs = performance.now()
    if (this.app.connected || !this.asked) {
      const answer = await api.pipeline().catch(() => undefined)
      if (answer) {
        this.app.pipeline = answer
        this.asked = true
        if (!this.closed) this.changed()
      }
    }
    if (this.closed) return
    const tookMs = performance.now() - startMs
    this.timer = setTimeout(() => void this.poll(), Math.max(everyMs, 20 * tookMs))
  }
}
