import type { Message } from '@millrace/pipeline'
import type { RuleCompleteness, RuleHeard, RuleWindow } from '@millrace/rules'
import { closeWindow, encodeEntry, type JournalEntry, WindowKeeper } from '@millrace/windows'
import { BatchBuilder, createDecoder, type Decoder } from '../../edge-agent/src/decode/index.ts'
import { Names } from '../../edge-agent/src/names.ts'

const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 100_000, amendForMs: 86_400_000 }

/** The agent's path from payload bytes to summaries, without its disk: decode, journal entry, windows, closing them. */
export class AgentPath {
  readonly #names = new Names({ site: 'bench', maxSeries: 1_000_000 })
  readonly #columns = new BatchBuilder()
  readonly #decoder: Decoder = createDecoder({ names: this.#names, columns: this.#columns })
  readonly #keeper = new WindowKeeper(this.#names, settings)

  constructor(startMs: number) {
    this.#keeper.apply({ kind: 'start', epoch: 'bench' })
    this.#keeper.apply({ kind: 'anchor', monotonicMs: 0, wallMs: startMs })
  }

  /** One group commit. */
  take(messages: readonly Message[], arrivedMonotonicMs: number): void {
    for (const message of messages) this.#decoder.decode(message, arrivedMonotonicMs)
    const entry: JournalEntry = { kind: 'data', batch: this.#columns.take() }
    encodeEntry(entry)
    this.#keeper.apply(entry)
  }

  /** Closes what a checkpoint closes. */
  checkpoint(): { series: number; row: Omit<RuleWindow, 'site' | 'device' | 'metric' | 'agent'> }[] {
    return this.#keeper.takeClosings().windows.flatMap((closing) => {
      const { summary } = closeWindow(closing, undefined, this.#names)
      return summary
        ? [{ series: closing.series, row: { ...summary, rev: 0, unit: this.#names.unitOf(closing.series) } }]
        : []
    })
  }

  /** What rules are told of the rows; making it is their cost. */
  ruleRows(rows: ReturnType<AgentPath['checkpoint']>): RuleWindow[] {
    return rows.map(({ series, row }) => {
      const device = this.#names.deviceOf(series)
      const names = { site: this.#names.siteOf(device), device: this.#names.deviceName(device) }
      return { ...row, ...names, metric: this.#names.metricOf(series), agent: 'bench' }
    })
  }

  completeness(rows: readonly RuleWindow[]): RuleCompleteness[] {
    const one = new Map(rows.map((row) => [`${row.device} ${row.start}`, row]))
    return [...one.values()].map(({ site, device, start, lengthMs }) => {
      return { site, device, agent: 'bench', start, lengthMs, rev: 0, messages: 60, expected: 60 }
    })
  }

  heard(): RuleHeard[] {
    const rows: RuleHeard[] = []
    for (const { device, newestMs } of this.#keeper.devices()) {
      if (!Number.isFinite(newestMs)) continue
      rows.push({
        site: this.#names.siteOf(device),
        device: this.#names.deviceName(device),
        agent: 'bench',
        ts: newestMs,
      })
    }
    return rows
  }
}
