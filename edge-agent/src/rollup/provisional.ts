import { maxBodyBytes, type SummaryRow } from '@millrace/contracts'
import type { Keeper, OpenWindow } from '@millrace/windows'
import type { Names, SeriesWish } from '../names.ts'
import { type BodyHead, provisionalColumns, rowBytes } from './body.ts'

type ProvisionalRow = Omit<SummaryRow, 'rev'>

/** Longest work of one call, ms: what is left over comes first the next time. */
const budgetMs = 50
const headBytes = 1_536
/** A window is shown again after so many calls though it is as it was: what is sent is best effort. */
const againAfter = 15

/** Summaries of windows that are still open and have grown since they were last shown, or were shown long ago. */
export class Provisional {
  readonly #names: Names
  readonly #shown = new WeakMap<OpenWindow, { length: number; turn: number }>()
  #turn = 0

  constructor(names: Names) {
    this.#names = names
  }

  /** Of the series that are wanted. `at` is the agent's time, epoch ms. */
  take(
    keeper: Keeper,
    head: Omit<BodyHead, 'site'>,
    { at, wants }: { at: number; wants?: SeriesWish | undefined },
  ): { site: string; body: Uint8Array }[] {
    if (wants === 'none') return []
    const rows = Map.groupBy(this.#rows(keeper, wants), ({ site }) => site)
    return [...rows].flatMap(([site, entries]) =>
      split(entries.map(({ row }) => row)).map((part) => ({
        site,
        body: Buffer.from(JSON.stringify({ v: 1, ...head, site, at, columns: provisionalColumns(part) })),
      })),
    )
  }

  #rows(keeper: Keeper, wants: Exclude<SeriesWish, 'none'> | undefined): { site: string; row: ProvisionalRow }[] {
    const until = performance.now() + budgetMs
    const rows: { site: string; row: ProvisionalRow }[] = []
    this.#turn++
    for (const window of this.#grown(keeper)) {
      if (wants && !wants(this.#names.seriesName(window.series))) continue
      if (performance.now() > until) break
      this.#shown.set(window, { length: window.rows.length, turn: this.#turn })
      rows.push({ site: this.#names.siteOf(window.device), row: this.#row(keeper, window) })
    }
    return rows
  }

  /** Longest unseen first. A late window holds the late readings alone, so it says nothing about the window. */
  #grown(keeper: Keeper): OpenWindow[] {
    const turnOf = (window: OpenWindow) => this.#shown.get(window)?.turn ?? 0
    return [...keeper.openWindows()]
      .filter((window) => !window.late && window.rows.length > 0 && !this.#isKnown(window))
      .sort((a, b) => turnOf(a) - turnOf(b))
  }

  #isKnown(window: OpenWindow): boolean {
    const shown = this.#shown.get(window)
    return shown?.length === window.rows.length && this.#turn - shown.turn < againAfter
  }

  #row(keeper: Keeper, window: OpenWindow): ProvisionalRow {
    const { series, device } = window
    return {
      device: this.#names.deviceName(device),
      metric: this.#names.metricOf(series),
      unit: this.#names.unitOf(series),
      ...keeper.provisional(window),
    }
  }
}

function split(rows: readonly ProvisionalRow[]): ProvisionalRow[][] {
  const parts: ProvisionalRow[][] = []
  let room = 0
  for (const row of rows) {
    const bytes = rowBytes(row)
    if (bytes > room) {
      parts.push([])
      room = maxBodyBytes - headBytes
    }
    parts.at(-1)!.push(row)
    room -= bytes
  }
  return parts
}
