import type { ApiSummary, SeriesName } from '@millrace/contracts'
import { compareUnit, type FieldDifference } from './compare-row.ts'
import { judgeWindow, namedOutside, stampedByAgent, type Verdict } from './judge-window.ts'
import type { SeriesReadings } from './series-readings.ts'
import { inOrder } from './window-facts.ts'

export interface WindowSpan {
  start: number
  lengthMs: number
}

export interface Difference extends SeriesName, WindowSpan {
  /** Of an hour or a day; absent of a window. */
  step?: '1h' | '1d'
  kind: 'missing' | 'surplus' | 'wrong-value'
  readings: number
  fields: FieldDifference[]
}

export interface SeriesVerdict {
  name: SeriesName
  /** Readings in rows, the ones of windows that were not checked included. */
  stored: number
  windows: number
  amended: number
  differences: Difference[]
  /** Windows by why they were not checked. */
  notChecked: Map<string, number>
  unstampedFound: number
  /** Readings in no row that came too late: by name, and by number alone. */
  named: number
  unnamed: number
}

export interface SeriesCase {
  readings: SeriesReadings
  boots: readonly string[]
  /** Stored rows, no provisional ones. */
  rows: readonly ApiSummary[]
  /** Of the newest of them, for an ingest that does not tell it of each. */
  unit: string
  /** Length of windows that no row tells. */
  lengthMs: number
  /** Nothing of the device is open, so that its readings without a time must all be in rows. */
  settled: boolean
  /** Messages were sent again: readings without a time and a number may then be there twice. */
  repeats: boolean
  /** Why a window cannot be checked now, if so. */
  excused(span: WindowSpan): string | undefined
}

interface JudgedWindow extends WindowSpan {
  sorted: number[]
  row?: ApiSummary
}

const spanKey = ({ start, lengthMs }: WindowSpan) => `${start}/${lengthMs}`

function sortedIndices({ readings, boots }: SeriesCase): number[] {
  const indices = Array.from({ length: readings.count }, (_, index) => index)
  return indices.sort(inOrder(readings, boots))
}

/** The row whose window a time falls into; `rows` are sorted by start. */
function rowAt(rows: readonly ApiSummary[], ts: number): ApiSummary | undefined {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows[middle]!.start <= ts) low = middle + 1
    else high = middle
  }
  const row = rows[low - 1]
  return row && ts < row.start + row.lengthMs ? row : undefined
}

/**
 * Which readings belong to which row: event time decides, by the length that the row itself says. Where there is no
 * row, by the length in force.
 */
function windowsOf(input: SeriesCase, rows: readonly ApiSummary[]): Map<string, JudgedWindow> {
  const windows = new Map<string, JudgedWindow>()
  for (const row of rows) windows.set(spanKey(row), { start: row.start, lengthMs: row.lengthMs, sorted: [], row })
  for (const index of sortedIndices(input)) {
    const ts = input.readings.ts(index)
    const span = rowAt(rows, ts) ?? {
      start: Math.floor(ts / input.lengthMs) * input.lengthMs,
      lengthMs: input.lengthMs,
    }
    const key = spanKey(span)
    const window = windows.get(key) ?? { start: span.start, lengthMs: span.lengthMs, sorted: [] }
    if (window.sorted.push(index) === 1) windows.set(key, window)
  }
  return windows
}

/** Rows that can be no part of a sound store: out of line with the epoch, or over a row before them. */
function brokenRows(rows: readonly ApiSummary[]): Set<ApiSummary> {
  const broken = new Set<ApiSummary>()
  let reachedMs = Number.NEGATIVE_INFINITY
  for (const row of rows) {
    if (row.start % row.lengthMs !== 0 || row.start < reachedMs) broken.add(row)
    else reachedMs = row.start + row.lengthMs
  }
  return broken
}

class SeriesJudge {
  readonly #case: SeriesCase
  readonly verdict: SeriesVerdict

  constructor(input: SeriesCase) {
    this.#case = input
    this.verdict = {
      name: input.readings.name,
      ...{ stored: 0, windows: 0, amended: 0, differences: [], notChecked: new Map(), unstampedFound: 0 },
      ...{ named: 0, unnamed: 0 },
    }
  }

  judge(): SeriesVerdict {
    const rows = this.#case.rows.toSorted((a, b) => a.start - b.start || b.lengthMs - a.lengthMs)
    const broken = brokenRows(rows)
    for (const row of rows) this.#count(row)
    for (const row of broken) this.#differ(row, { kind: 'surplus', readings: row.count, fields: [misplaced(row)] })
    const sound = rows.filter((row) => !broken.has(row))
    for (const window of windowsOf(this.#case, sound).values()) this.#window(window)
    this.#unstamped()
    for (const row of rows) this.#unit(row, row.unit ?? (row === rows.at(-1) ? this.#case.unit : undefined))
    return this.verdict
  }

  #unit(row: ApiSummary, found: string | undefined): void {
    const fields = compareUnit(this.#case.readings.name.metric, found)
    if (fields.length > 0) this.#differ(row, { kind: 'wrong-value', readings: 1, fields })
  }

  /** Readings without a time may be in any window, so only their number can be demanded. */
  #unstamped(): void {
    const { readings, settled, repeats } = this.#case
    const { unstampedDemanded: least, unstampedPermitted: most } = readings
    const found = this.verdict.unstampedFound
    const anywhere = { start: 0, lengthMs: 0 }
    const fields = (expected: number) => [{ field: 'unstamped', expected, found }]
    if (settled && found < least) {
      this.#differ(anywhere, { kind: 'missing', readings: least - found, fields: fields(least) })
    }
    if (!repeats && most > 0 && found > most) {
      this.#differ(anywhere, { kind: 'surplus', readings: found - most, fields: fields(most) })
    }
  }

  #count(row: ApiSummary): void {
    this.verdict.stored += row.count
    this.verdict.unstampedFound += row.unstamped
    if ((row.rev ?? 0) > 0) this.verdict.amended++
  }

  #window(window: JudgedWindow): void {
    const excuse = this.#case.excused(window)
    if (excuse) this.#leave(excuse)
    else this.#check(window)
  }

  #check(window: JudgedWindow): void {
    this.verdict.windows++
    if (window.row && window.row.parts > 1) this.#leave('percentiles of several parts')
    const verdict = this.#judgeOne(window)
    if (verdict.kind === 'not-checked') this.#leave(verdict.reason)
    else if (verdict.kind !== 'same') this.#differ(window, verdict)
    const sent = { readings: this.#case.readings, sorted: window.sorted }
    this.verdict.named += namedOutside(sent, window.row, verdict)
  }

  #judgeOne({ sorted, row }: JudgedWindow): Verdict {
    const { readings } = this.#case
    if (sorted.length > 0 || !row) return judgeWindow({ readings, sorted }, row)
    const expected = stampedByAgent(readings, row)
    if (row.count === expected) return { kind: 'not-checked', reason: 'unstamped' }
    return { kind: 'surplus', readings: row.count - expected, fields: [{ field: 'count', expected, found: row.count }] }
  }

  #leave(reason: string): void {
    this.verdict.notChecked.set(reason, (this.verdict.notChecked.get(reason) ?? 0) + 1)
  }

  #differ({ start, lengthMs }: WindowSpan, found: Pick<Difference, 'kind' | 'readings' | 'fields'>): void {
    const { kind, readings, fields } = found
    this.verdict.differences.push({ ...this.#case.readings.name, start, lengthMs, kind, readings, fields })
  }
}

function misplaced(row: ApiSummary): FieldDifference {
  return {
    field: 'row',
    expected: 'one row for each window, aligned to the epoch',
    found: `${row.count} readings more`,
  }
}

/** Holds every stored row of one series against what was sent of it. */
export function judgeSeries(input: SeriesCase): SeriesVerdict {
  return new SeriesJudge(input).judge()
}
