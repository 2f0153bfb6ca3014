import type { Step } from '@millrace/contracts'
import type { App } from '../app.ts'
import type { SeriesState } from '../model/fleet.ts'
import type { Span } from '../model/range.ts'
import { History } from '../model/rows.ts'
import { chooseStep, hourMs, stepMs } from '../model/step.ts'
import { api } from '../net/api.ts'

/** No window is open for longer, so live readings older than this lie behind stored rows. */
const longestLiveMs = 35 * 60_000

const retryMs = 3_000

/** Rows of one series at the step its span asks for, fetched with a margin, kept current by what arrives. */
export class ChartData {
  readonly history = new History()
  step: Step = '1m'
  state: 'empty' | 'loading' | 'ready' | 'failed' = 'empty'
  private readonly app: App
  private readonly series: SeriesState
  private readonly changed: () => void
  private loaded: Span | undefined
  private pending: AbortController | undefined
  private refreshedAt = 0

  constructor(app: App, series: SeriesState, changed: () => void) {
    this.app = app
    this.series = series
    this.changed = changed
  }

  /** Makes sure the span is there, or on its way. */
  want({ from, to }: Span): void {
    if (this.state === 'failed' && performance.now() - this.refreshedAt < retryMs) return
    const now = this.app.now()
    const step = chooseStep(to - from)
    const covered = this.loaded && from >= this.loaded.from && Math.min(to, now) <= this.loaded.to
    if (step === this.step && covered) {
      this.refresh(step, now)
      return
    }
    if (step !== this.step) this.history.clear()
    this.step = step
    const margin = (to - from) / 2
    const reachesNow = to + margin >= now
    this.loaded = { from: from - margin, to: reachesNow ? Number.POSITIVE_INFINITY : to + margin }
    void this.fetch(from - margin, reachesNow ? now + hourMs : to + margin)
  }

  /** What arrived on the live stream. Hours and days take minutes too, as the tail behind their last row. */
  take(): void {
    const { rows } = this.series.lastHour.joined
    if (this.loaded?.to === Number.POSITIVE_INFINITY) this.history.put(rows.slice(-4))
  }

  /** After a lost connection: everything from the last row that is certain. */
  recover(): void {
    if (!this.loaded) return
    const stored = this.history.joined.rows.filter((row) => !row.provisional)
    const from = stored.at(-1)?.start ?? this.loaded.from
    void this.fetch(from, this.app.now() + hourMs)
  }

  close(): void {
    this.pending?.abort()
  }

  private refresh(step: Step, now: number): void {
    if (step === '1m' || this.state !== 'ready' || performance.now() - this.refreshedAt < 60_000) return
    void this.fetch(now - 2 * stepMs[step], now)
  }

  private async fetch(from: number, to: number): Promise<void> {
    this.pending?.abort()
    const pending = new AbortController()
    this.pending = pending
    if (this.state !== 'ready') this.state = 'loading'
    this.refreshedAt = performance.now()
    try {
      const answer = await api.summaries({ series: this.series, from, to, step: this.step }, pending.signal)
      this.history.put(answer.summaries)
      this.state = 'ready'
      void this.fillReadings(pending.signal)
    } catch {
      if (pending.signal.aborted) return
      this.loaded = undefined
      this.state = 'failed'
    }
    this.changed()
  }

  /** Live readings that passed before this page was open, or while it was not connected. */
  private async fillReadings(signal: AbortSignal): Promise<void> {
    const now = this.app.now()
    const from = Math.max(this.history.joined.openFrom, now - longestLiveMs)
    if (this.loaded?.to !== Number.POSITIVE_INFINITY || from >= now) return
    // The rows are drawn without them; the next reading on the stream comes by itself.
    const answer = await api.readings(this.series, from, signal).catch(() => ({ readings: [] }))
    for (const { ts, value } of answer.readings) this.series.recent.add(ts, value)
    this.changed()
  }
}
