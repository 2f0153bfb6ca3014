import type { App } from '../app.ts'
import type { SeriesState } from '../model/fleet.ts'
import { hourMs } from '../model/step.ts'
import { api } from '../net/api.ts'

const atOnce = 3

/** Fetches the last hour of a series once its row has come into view, a few at a time. */
export class SparkLoader {
  private readonly app: App
  private readonly loaded: (series: SeriesState) => void
  private readonly byElement = new WeakMap<Element, SeriesState>()
  private readonly visible = new Set<SeriesState>()
  private readonly done = new Set<SeriesState>()
  private readonly waiting = new Set<SeriesState>()
  private readonly observer: IntersectionObserver
  private running = 0
  private closed = false

  constructor(app: App, loaded: (series: SeriesState) => void) {
    this.app = app
    this.loaded = loaded
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: '120px' })
  }

  watch(element: Element, series: SeriesState): void {
    this.byElement.set(element, series)
    this.observer.observe(element)
  }

  isVisible(series: SeriesState): boolean {
    return this.visible.has(series)
  }

  /** After a lost connection: what is in view is fetched again, the rest when it comes into view. */
  reloadAll(): void {
    this.done.clear()
    for (const series of this.visible) this.waiting.add(series)
    this.pump()
  }

  close(): void {
    this.closed = true
    this.observer.disconnect()
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const series = this.byElement.get(target)
      if (!series) continue
      if (!isIntersecting) {
        this.visible.delete(series)
        this.waiting.delete(series)
        continue
      }
      this.visible.add(series)
      if (!this.done.has(series)) this.waiting.add(series)
      this.loaded(series)
    }
    this.pump()
  }

  private pump(): void {
    for (const series of this.waiting) {
      if (this.closed || this.running >= atOnce) return
      this.waiting.delete(series)
      this.done.add(series)
      void this.fetch(series)
    }
  }

  private async fetch(series: SeriesState): Promise<void> {
    this.running++
    const to = Math.max(series.lastTs + 1, this.app.now())
    try {
      const answer = await api.summaries({ series, from: to - hourMs, to, step: '1m' })
      series.lastHour.put(answer.summaries)
      this.loaded(series)
    } catch {
      this.done.delete(series)
    }
    this.running--
    this.pump()
  }
}
