import { closeCompleteness } from '../src/close-completeness.ts'
import { closeWindow } from '../src/close-window.ts'
import { decodeEntry, encodeEntry } from '../src/entry-codec.ts'
import type {
  CompletenessRow,
  KeeperChanges,
  KeeperSaved,
  SetAside,
  Settlement,
  StoredCompleteness,
  StoredSet,
  SummaryValues,
} from '../src/keeper-types.ts'
import type { Directory, JournalEntry, MessageColumns, ReadingColumns, WindowSettings } from '../src/types.ts'
import { WindowKeeper } from '../src/window-keeper.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
/** A full hour. */
export const t0 = Date.UTC(2025, 10, 20, 12)

export const settings: WindowSettings = {
  lengthMs: minuteMs,
  latenessMs: 5_000,
  maxReadings: 1_000,
  amendForMs: 24 * hourMs,
}

/** Series 10 d + m belong to device d; metrics 5 and up are counters. Boot names sort against their ids. */
export const directory: Directory = {
  deviceOf: (series) => Math.floor(series / 10),
  kindOf: (series) => (series % 10 >= 5 ? 'counter' : 'gauge'),
  bootName: (boot) => `boot-${1000 - boot}`,
}

export interface TestReading {
  series: number
  ts: number
  value: number
  seq?: number | undefined
  boot?: number | undefined
  flags?: number | undefined
}
export interface TestMessage {
  device: number
  ts: number
  seq?: number | undefined
  boot?: number | undefined
  flags?: number | undefined
}

export function readingColumns(rows: readonly TestReading[]): ReadingColumns {
  return {
    length: rows.length,
    series: Uint32Array.from(rows, (row) => row.series),
    ts: Float64Array.from(rows, (row) => row.ts),
    seq: Float64Array.from(rows, (row) => row.seq ?? Number.NaN),
    boot: Uint32Array.from(rows, (row) => row.boot ?? 0),
    value: Float64Array.from(rows, (row) => row.value),
    flags: Uint8Array.from(rows, (row) => row.flags ?? 0),
  }
}

export function messageColumns(rows: readonly TestMessage[]): MessageColumns {
  return {
    length: rows.length,
    device: Uint32Array.from(rows, (row) => row.device),
    ts: Float64Array.from(rows, (row) => row.ts),
    seq: Float64Array.from(rows, (row) => row.seq ?? Number.NaN),
    boot: Uint32Array.from(rows, (row) => row.boot ?? 0),
    flags: Uint8Array.from(rows, (row) => row.flags ?? 0),
  }
}

interface DataOptions {
  arrivedMonotonicMs?: number
  messages?: readonly TestMessage[]
  invalid?: { device: number; reason: string; count: number }[]
}

export function data(readings: readonly TestReading[], options: DataOptions = {}): JournalEntry {
  const { arrivedMonotonicMs = 0, messages = [], invalid = [] } = options
  const batch = {
    arrivedMonotonicMs,
    readings: readingColumns(readings),
    messages: messageColumns(messages),
    invalid,
  }
  return { kind: 'data', batch }
}

/** The agent's time at monotonic 0. */
export function anchor(wallMs: number): JournalEntry {
  return { kind: 'anchor', monotonicMs: 0, wallMs }
}

export interface SentRow {
  series: number
  rev: number
  summary: SummaryValues
}
export interface SentCompleteness {
  device: number
  start: number
  rev: number
  rows: CompletenessRow[]
}

/** What an agent does with a keeper, with maps in place of its spool. */
export class TestAgent {
  keeper: WindowKeeper
  sets = new Map<string, StoredSet>()
  completeness = new Map<string, StoredCompleteness>()
  saved = new Map<string, Uint8Array>()
  sent: SentRow[] = []
  sentCompleteness: SentCompleteness[] = []
  setAside: SetAside = { counts: [], readings: [] }
  private journal: Uint8Array[] = []
  private readonly initial: WindowSettings

  constructor(initial: WindowSettings = settings) {
    this.initial = initial
    this.keeper = new WindowKeeper(directory, initial)
  }

  apply(...entries: JournalEntry[]): this {
    for (const entry of entries) {
      this.journal.push(encodeEntry(entry))
      this.keeper.apply(entry)
    }
    return this
  }

  /** kill -9 and a new start from the last checkpoint and the journal since. */
  kill(): void {
    this.keeper = WindowKeeper.restore(directory, this.initial, this.savedRows())
    for (const bytes of this.journal) this.keeper.apply(decodeEntry(bytes))
  }

  checkpoint(): this {
    const { windows, completeness } = this.keeper.takeClosings()
    const settlements: Settlement[] = []
    for (const closing of windows) {
      const key = `${closing.series} ${closing.start}`
      const { set, summary, added, duplicates, overRate } = closeWindow(closing, this.sets.get(key), directory)
      this.sets.set(key, set)
      if (summary) this.sent.push({ series: closing.series, rev: set.rev, summary })
      settlements.push({ device: closing.device, closed: added, duplicate: duplicates, dropped: overRate.length })
    }
    for (const closing of completeness) {
      const key = `${closing.device} ${closing.start}`
      const { set, rows } = closeCompleteness(closing, this.completeness.get(key))
      this.completeness.set(key, set)
      if (rows) this.sentCompleteness.push({ device: closing.device, start: closing.start, rev: set.rev, rows })
    }
    this.keeper.settle(settlements)
    const { counts, readings } = this.keeper.takeSetAside()
    this.setAside.counts.push(...counts)
    this.setAside.readings.push(...readings)
    this.save(this.keeper.takeChanges())
    this.dropSets()
    this.journal = []
    return this
  }

  idle(...devices: number[]): this {
    return this.apply({ kind: 'idle', devices: Uint32Array.from(devices) })
  }

  /** The last row sent of a window. */
  row(series: number, start: number): SentRow | undefined {
    return this.sent.findLast((row) => row.series === series && row.summary.start === start)
  }

  private save(changes: KeeperChanges): void {
    const written = new Set([
      ...changes.windows.map(({ series, start }) => `window ${series} ${start}`),
      ...changes.completeness.map(({ device, start }) => `messages ${device} ${start}`),
    ])
    const deleted = [
      ...changes.deletedWindows.map(({ series, start }) => `window ${series} ${start}`),
      ...changes.deletedCompleteness.map(({ device, start }) => `messages ${device} ${start}`),
    ]
    if (deleted.some((key) => written.has(key))) throw new Error('a key is both written and deleted')
    for (const { series, start } of changes.deletedWindows) this.saved.delete(`window ${series} ${start}`)
    for (const { device, start } of changes.deletedCompleteness) this.saved.delete(`messages ${device} ${start}`)
    for (const series of changes.deletedUnstamped) this.saved.delete(`unstamped ${series}`)
    for (const { series, start, bytes } of changes.windows) this.saved.set(`window ${series} ${start}`, bytes)
    for (const { device, start, bytes } of changes.completeness) this.saved.set(`messages ${device} ${start}`, bytes)
    for (const { device, bytes } of changes.devices) this.saved.set(`device ${device}`, bytes)
    for (const { series, bytes } of changes.unstamped) this.saved.set(`unstamped ${series}`, bytes)
    if (changes.global) this.saved.set('global', changes.global)
  }

  private savedRows(): KeeperSaved {
    const rows = [...this.saved].map(([key, bytes]) => ({ parts: key.split(' '), bytes }))
    const of = (kind: string) =>
      rows
        .filter(({ parts }) => parts[0] === kind)
        .map(({ parts, bytes }) => ({ id: Number(parts[1]), start: Number(parts[2]), bytes }))
    return {
      windows: of('window').map(({ id, start, bytes }) => ({ series: id, start, bytes })),
      completeness: of('messages').map(({ id, start, bytes }) => ({ device: id, start, bytes })),
      devices: of('device').map(({ id, bytes }) => ({ device: id, bytes })),
      unstamped: of('unstamped').map(({ id, bytes }) => ({ series: id, bytes })),
      global: this.saved.get('global'),
    }
  }

  private dropSets(): void {
    for (const view of this.keeper.devices()) {
      for (const key of this.sets.keys()) {
        const [series, start] = key.split(' ').map(Number)
        if (directory.deviceOf(series!) === view.device && start! + minuteMs <= view.setsFromMs) this.sets.delete(key)
      }
    }
  }
}

export function unaccounted(keeper: WindowKeeper): number[] {
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
  return [...keeper.devices()].map(({ counts }) => {
    const { accepted, closed, open, duplicate, tooLate, invalid, dropped } = counts
    return accepted - (closed + open + duplicate + tooLate + sum(invalid) + sum(dropped))
  })
}
