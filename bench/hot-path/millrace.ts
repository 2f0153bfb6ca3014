import type { Message } from '@millrace/pipeline'
import { closeWindow, encodeEntry, type JournalEntry, WindowKeeper } from '@millrace/windows'
import { DeviceClocks } from '../../edge-agent/src/clocks/device-clocks.ts'
import { BatchBuilder, createDecoder, type Decoder } from '../../edge-agent/src/decode/index.ts'
import { Names } from '../../edge-agent/src/names.ts'
import type { Results } from './result.ts'

export interface Parts {
  windows: boolean
  /** Percentiles, sketch and stored set of each closed window. */
  summaries: boolean
  journal: boolean
  /** The clock doctor sees every message, as in the agent; left out only to tell its cost. */
  clocks: boolean
}

const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 100_000, amendForMs: 86_400_000 }

/** The agent's path from payload bytes, in the order of its pipeline and without its disk. */
export class MillracePath {
  readonly #parts: Parts
  readonly #names = new Names({ site: 'bench', maxSeries: 1_000_000 })
  readonly #columns: BatchBuilder
  readonly #decoder: Decoder
  readonly #keeper = new WindowKeeper(this.#names, settings)
  readonly results: Results = new Map()
  journalBytes = 0
  readings = 0
  setAside = 0

  constructor(parts: Parts, startMs: number) {
    this.#parts = parts
    const thresholds = { skewed: 5_000, jumped: 10_000, drifting: 200 }
    this.#columns = new BatchBuilder(
      parts.clocks ? new DeviceClocks(thresholds, { epochMs: () => startMs }) : undefined,
    )
    this.#decoder = createDecoder({ names: this.#names, columns: this.#columns })
    this.#apply({ kind: 'start', epoch: 'bench' })
    this.#apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  }

  /** One group commit. */
  take(messages: readonly Message[], arrivedMonotonicMs: number): void {
    for (const message of messages) this.#decoder.decode(message, arrivedMonotonicMs)
    const batch = this.#columns.take()
    this.readings += batch.readings.length
    this.setAside += this.#decoder.takeDeadLetters().length
    const entry: JournalEntry = { kind: 'data', batch }
    if (this.#parts.journal) this.journalBytes += encodeEntry(entry).length
    if (this.#parts.windows) this.#apply(entry)
  }

  /** What a checkpoint does every few seconds. */
  checkpoint(): void {
    const { windows } = this.#keeper.takeClosings()
    if (!this.#parts.summaries) return
    for (const closing of windows) {
      const { summary } = closeWindow(closing, undefined, this.#names)
      if (!summary) continue
      const { count, min, max, mean, p95, start } = summary
      const { series } = closing
      const device = this.#names.deviceOf(series)
      const key = `${this.#names.siteOf(device)}/${this.#names.deviceName(device)}/${this.#names.metricOf(series)}`
      this.results.set(`${key} ${start}`, { count, min, max, mean, p95 })
    }
  }

  finish(): void {
    const devices = Uint32Array.from({ length: this.#names.deviceCount - 1 }, (_, n) => n + 1)
    if (this.#parts.windows) this.#apply({ kind: 'idle', devices })
    this.checkpoint()
  }

  #apply(entry: JournalEntry): void {
    this.#keeper.apply(entry)
  }
}
