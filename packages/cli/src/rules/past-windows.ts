import type { RuleCompleteness, RuleWindow } from '@millrace/rules'
import {
  closeCompleteness,
  closeWindow,
  type SetAside,
  type StoredCompleteness,
  type StoredSet,
  type SummaryValues,
  WindowKeeper,
} from '@millrace/windows'
import { expectedMessages } from './expected-messages.ts'
import { batchOf, type PastMessage } from './past-columns.ts'
import type { PastNames } from './past-names.ts'

/** As an agent has them unless it is told otherwise. */
const latenessMs = 5000
const maxReadings = 100_000
const amendForMs = 24 * 3_600_000
const longestWindowMs = 30 * 60_000

const batchMessages = 2000
/** Batches between two looks for sets that can change no more. */
const pruneEvery = 50

/**
 * Makes the windows that an agent makes of the same messages in the same order. The agent's clock is the newest event
 * time so far, so that nothing of the past lies in its future.
 */
export class PastWindows {
  readonly #names: PastNames
  readonly #keeper: WindowKeeper
  readonly #sets = new Map<string, StoredSet>()
  readonly #completenessSets = new Map<string, StoredCompleteness>()
  readonly #rows = new Map<string, RuleWindow>()
  readonly #completeness = new Map<string, RuleCompleteness>()
  #waiting: PastMessage[] = []
  #newestMs = 0
  #taken = 0
  /** Readings in no window, by reason. */
  readonly setAside = new Map<string, number>()

  constructor(names: PastNames, lengthMs: number) {
    this.#names = names
    this.#keeper = new WindowKeeper(names, { lengthMs, latenessMs, maxReadings, amendForMs })
    this.#keeper.apply({ kind: 'anchor', monotonicMs: 0, wallMs: 0 })
  }

  add(message: PastMessage): void {
    this.#waiting.push(message)
    if (message.ts > this.#newestMs) this.#newestMs = message.ts
    if (this.#waiting.length >= batchMessages) this.#apply()
  }

  /** All windows in their newest revision, those still open at the end included. */
  close(): { windows: RuleWindow[]; completeness: RuleCompleteness[] } {
    this.#apply()
    this.#keeper.apply({ kind: 'idle', devices: this.#names.allDevices() })
    this.#take()
    return { windows: [...this.#rows.values()], completeness: [...this.#completeness.values()] }
  }

  #apply(): void {
    if (this.#waiting.length === 0) return
    this.#keeper.apply({ kind: 'data', batch: batchOf(this.#waiting, this.#newestMs) })
    this.#waiting = []
    this.#take()
  }

  #take(): void {
    const { windows, completeness } = this.#keeper.takeClosings()
    for (const closing of windows) {
      const { series, device, start } = closing
      const key = `${series}/${start}`
      const { set, summary, added, duplicates, overRate } = closeWindow(closing, this.#sets.get(key), this.#names)
      this.#sets.set(key, set)
      const settlement = { device, closed: added, duplicate: duplicates, dropped: overRate.length }
      this.#keeper.settle([settlement])
      if (summary) this.#rows.set(key, this.#row(series, set.rev, summary))
    }
    for (const closing of completeness) this.#closeCompleteness(closing)
    if (++this.#taken % pruneEvery === 0) this.#prune()
    this.#noteSetAside(this.#keeper.takeSetAside())
    this.#keeper.takeChanges()
  }

  /** Without the sketch, which no rule looks at and which is most of its size. */
  #row(series: number, rev: number, { sketch: _sketch, ...summary }: SummaryValues): RuleWindow {
    return { ...this.#names.seriesName(series), agent: null, rev, ...summary }
  }

  #closeCompleteness(closing: Parameters<typeof closeCompleteness>[0]): void {
    const { device, start, lengthMs } = closing
    const key = `${device}/${start}`
    const { set, rows } = closeCompleteness(closing, this.#completenessSets.get(key))
    this.#completenessSets.set(key, set)
    if (!rows) return
    const row = { ...this.#names.deviceName(device), agent: null, start, lengthMs, rev: set.rev }
    this.#completeness.set(key, { ...row, ...expectedMessages(rows) })
  }

  /** Below the floor of its device nothing joins a set any more, as in an agent. */
  #prune(): void {
    const fromMs = new Map([...this.#keeper.devices()].map(({ device, setsFromMs }) => [device, setsFromMs]))
    const over = (device: number, start: number) => start < fromMs.get(device)! - longestWindowMs
    for (const key of this.#sets.keys()) {
      const [series, start] = key.split('/').map(Number)
      if (over(this.#names.deviceOf(series!), start!)) this.#sets.delete(key)
    }
    for (const key of this.#completenessSets.keys()) {
      const [device, start] = key.split('/').map(Number)
      if (over(device!, start!)) this.#completenessSets.delete(key)
    }
  }

  #noteSetAside({ counts }: SetAside): void {
    for (const { reason, count } of counts) this.setAside.set(reason, (this.setAside.get(reason) ?? 0) + count)
  }
}
