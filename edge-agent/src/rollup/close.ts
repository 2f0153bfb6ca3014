import type { SummaryRow } from '@millrace/contracts'
import {
  type Closings,
  type CompletenessClosing,
  closeCompleteness,
  closeWindow,
  type SetRows,
  type Settlement,
  type WindowClosing,
} from '@millrace/windows'
import type { CompletenessRecord, SetLoader, Share, WindowRecord } from '../checkpoint.ts'
import type { Names } from '../names.ts'
import { type CompletenessEntry, readingsOf, type SummaryEntry } from './pack.ts'

/** What a device's closings came to: records for the spool, entries for the cloud, terms for the accounts. */
export interface Closed {
  windows: WindowRecord[]
  completeness: CompletenessRecord[]
  summaries: SummaryEntry[]
  completenessRows: CompletenessEntry[]
  settlements: Settlement[]
  overRate: { series: number; rows: SetRows }[]
}

interface OpenRecord {
  record: WindowRecord
  /** Revision in the spool before this checkpoint, -1 for none; the checkpoint makes one more at most. */
  knownRev: number
  row: SummaryRow | undefined
  added: number
  /** Readings in the revision in the spool, by the message that brought them. */
  shares: readonly Share[]
}

interface OpenCompleteness {
  record: CompletenessRecord
  knownRev: number
  rows: CompletenessEntry['row'][]
}

/** Of one window: those before were delivered, or a spool that gives up lets go of more than it says. */
const maxShares = 16
/** Longest work before other events get a turn, ms. */
const sliceMs = 10

function pauses(): () => Promise<void> {
  let until = performance.now() + sliceMs
  return async () => {
    if (performance.now() < until) return
    await new Promise((resolve) => setImmediate(resolve))
    until = performance.now() + sliceMs
  }
}

/**
 * Unites closings with the sets in the spool. A window that closed several times since the last checkpoint makes
 * one revision: what joined before its first revision left is not `amended`.
 */
export class Closer {
  readonly #names: Names
  readonly #loader: SetLoader
  readonly #windows = new Map<string, OpenRecord>()
  readonly #completeness = new Map<string, OpenCompleteness>()
  readonly #settlements = new Map<number, Settlement>()
  readonly #overRate: Closed['overRate'] = []

  constructor(names: Names, loader: SetLoader) {
    this.#names = names
    this.#loader = loader
  }

  async close({ windows, completeness }: Closings): Promise<Closed> {
    await this.#load(windows, completeness)
    const pause = pauses()
    for (const closing of windows) {
      this.#closeWindow(closing)
      await pause()
    }
    for (const closing of completeness) {
      this.#closeCompleteness(closing)
      await pause()
    }
    return this.#result()
  }

  async #load(windows: readonly WindowClosing[], completeness: readonly CompletenessClosing[]): Promise<void> {
    for (const record of await this.#loader.windows(windows)) {
      const known: OpenRecord = {
        record,
        knownRev: record.set.rev,
        row: undefined,
        added: 0,
        shares: sharesOf(record),
      }
      this.#windows.set(`${record.series}/${record.start}`, known)
    }
    for (const record of await this.#loader.completeness(completeness)) {
      const known: OpenCompleteness = { record, knownRev: record.set.rev, rows: [] }
      this.#completeness.set(`${record.device}/${record.start}`, known)
    }
  }

  #closeWindow(closing: WindowClosing): void {
    const { series, device, start, lengthMs } = closing
    const key = `${series}/${start}`
    const open = this.#windows.get(key)
    const knownRev = open?.knownRev ?? -1
    const { set, summary, added, duplicates, overRate } = closeWindow(
      closing,
      open && { ...open.record.set, rev: knownRev },
      this.#names,
    )
    const row = summary ? this.#row(series, { ...summary, rev: set.rev }) : open?.row
    // Without news the set keeps the revision it has, which may have been made by an earlier closing just now.
    set.rev = row?.rev ?? knownRev
    if (row && set.rev === 0) {
      set.amended = 0
      row.amended = 0
    }
    const record = { device, series, start, lengthMs, set, ...messagesOf(open) }
    const shares = open?.shares ?? []
    this.#windows.set(key, { record, knownRev, row, added: (open?.added ?? 0) + added, shares })
    this.#settle(device, { closed: added, duplicate: duplicates, dropped: overRate.length })
    if (overRate.length > 0) this.#overRate.push({ series, rows: overRate })
  }

  #row(series: number, values: Omit<SummaryRow, 'device' | 'metric' | 'unit'>): SummaryRow {
    const device = this.#names.deviceName(this.#names.deviceOf(series))
    return { device, metric: this.#names.metricOf(series), unit: this.#names.unitOf(series), ...values }
  }

  #closeCompleteness(closing: CompletenessClosing): void {
    const { device, start, lengthMs } = closing
    const key = `${device}/${start}`
    const open = this.#completeness.get(key)
    const knownRev = open?.knownRev ?? -1
    const { set, rows } = closeCompleteness(closing, open && { ...open.record.set, rev: knownRev })
    const news = rows?.map(({ boot, ...row }) => {
      const names = { device: this.#names.deviceName(device), boot: boot === 0 ? null : this.#names.bootName(boot) }
      return { ...names, start, lengthMs, rev: set.rev, ...row }
    })
    const sending = news ?? open?.rows ?? []
    set.rev = sending[0]?.rev ?? knownRev
    const record = { device, start, lengthMs, set, message: open?.record.message ?? -1 }
    this.#completeness.set(key, { record, knownRev, rows: sending })
  }

  #settle(device: number, terms: Omit<Settlement, 'device'>): void {
    const sum = this.#settlements.get(device) ?? { device, closed: 0, duplicate: 0, dropped: 0 }
    sum.closed += terms.closed
    sum.duplicate += terms.duplicate
    sum.dropped += terms.dropped
    this.#settlements.set(device, sum)
  }

  #result(): Closed {
    const windows = [...this.#windows.values()]
    const completeness = [...this.#completeness.values()]
    return {
      windows: windows.map(({ record }) => record),
      completeness: completeness.map(({ record }) => record),
      summaries: windows.flatMap(summaryEntry),
      completenessRows: completeness.flatMap(completenessEntries),
      settlements: [...this.#settlements.values()],
      overRate: this.#overRate,
    }
  }
}

/** The message of the revision before must be receipted first, so it is read before it is replaced. */
function follow(record: { device: number; message: number }) {
  return {
    device: record.device,
    after: record.message < 0 ? null : record.message,
    sentIn: (seq: number) => {
      record.message = seq
    },
  }
}

function summaryEntry({ record, row, added, shares }: OpenRecord): SummaryEntry[] {
  if (!row) return []
  const { sentIn, ...followed } = follow(record)
  const sharedIn = (seq: number, again: readonly Share[]) => {
    sentIn(seq)
    const others = shares.filter((share) => !again.includes(share))
    record.shares = [...others, [seq, added + readingsOf(again)] as const].slice(-maxShares)
  }
  return [{ ...followed, row, added, shares, sentIn: sharedIn }]
}

/** Until the next revision is in a message. */
function messagesOf(open: OpenRecord | undefined): Pick<WindowRecord, 'message' | 'shares'> {
  const { message = -1, shares } = open?.record ?? {}
  return shares ? { message, shares } : { message }
}

function sharesOf({ shares, message, set }: WindowRecord): readonly Share[] {
  return shares ?? (message < 0 ? [] : [[message, set.count]])
}

function completenessEntries({ record, rows }: OpenCompleteness): CompletenessEntry[] {
  return rows.map((row) => ({ ...follow(record), row }))
}
