import type { Message } from '@millrace/pipeline'
import type { Results } from './result.ts'

interface Accumulator {
  start: number
  sum: number
  min: number
  max: number
  values: number[]
}

const windowMs = 60_000

/**
 * The loop one writes first: JSON.parse, a Map of accumulators, sorted values for the percentile when a minute ends.
 * No validation, no duplicates removed, no late readings, nothing kept for later. Without `percentiles` the lists of
 * values are kept and dropped unsorted, as our windows are where no summaries are made.
 */
export class PlainLoop {
  readonly #series = new Map<string, Accumulator>()
  readonly #percentiles: boolean
  readonly results: Results = new Map()

  constructor({ percentiles }: { percentiles: boolean }) {
    this.#percentiles = percentiles
  }

  take(messages: readonly Message[]): void {
    for (const { topic, body } of messages) {
      const { ts, readings } = JSON.parse(body.toString()) as { ts: number; readings: Record<string, number> }
      const names = topic.slice('telemetry/'.length)
      for (const metric of Object.keys(readings)) this.#add(`${names}/${metric}`, ts, readings[metric]!)
    }
  }

  finish(): void {
    for (const [key, window] of this.#series) this.#close(key, window)
  }

  #add(key: string, ts: number, value: number): void {
    const start = ts - (ts % windowMs)
    const window = this.#series.get(key)
    if (window?.start === start) {
      window.sum += value
      if (value < window.min) window.min = value
      if (value > window.max) window.max = value
      window.values.push(value)
      return
    }
    if (window) this.#close(key, window)
    this.#series.set(key, { start, sum: value, min: value, max: value, values: [value] })
  }

  #close(key: string, { start, sum, min, max, values }: Accumulator): void {
    if (this.#percentiles) values.sort((a, b) => a - b)
    const count = values.length
    const p95 = this.#percentiles ? values[Math.ceil(0.95 * count) - 1]! : Number.NaN
    this.results.set(`${key} ${start}`, { count, min, max, mean: sum / count, p95 })
  }
}
