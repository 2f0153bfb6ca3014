import type { ApiSummary, SeriesName } from '@millrace/contracts'
import { compareUnit, type FieldDifference } from './compare-row.ts'
import { compareSketch } from './compare-sketch.ts'
import type { Difference, WindowSpan } from './judge-series.ts'
import { compareMerge } from './merge-minutes.ts'

export const spanSteps = ['1h', '1d'] as const
export type SpanStep = (typeof spanSteps)[number]

export interface SpanCase {
  name: SeriesName
  step: SpanStep
  /** Stored minutes, all of the series. */
  minutes: readonly ApiSummary[]
  rows: readonly ApiSummary[]
  /** Why minutes of the span may be changing now, if so: then the row may be behind them. */
  unsettled(span: WindowSpan): string | undefined
}

export interface SpanVerdict {
  /** Hours or days that are the merge of their minutes. */
  checked: number
  differences: Difference[]
  notChecked: Map<string, number>
}

const hourMs = 3_600_000
/** Days begin where the zone of the ingest has its midnight: they have 23 to 25 hours. */
const stepLengths: Record<SpanStep, { leastMs: number; mostMs: number; startsEveryMs: number }> = {
  '1h': { leastMs: hourMs, mostMs: hourMs, startsEveryMs: hourMs },
  '1d': { leastMs: 23 * hourMs, mostMs: 25 * hourMs, startsEveryMs: hourMs / 4 },
}
const usualMs: Record<SpanStep, number> = { '1h': hourMs, '1d': 24 * hourMs }

class SpanJudge {
  readonly #case: SpanCase
  readonly verdict: SpanVerdict = { checked: 0, differences: [], notChecked: new Map() }

  constructor(input: SpanCase) {
    this.#case = input
  }

  judge(): SpanVerdict {
    const minutes = this.#case.minutes.toSorted((a, b) => a.start - b.start)
    let next = 0
    let reachedMs = Number.NEGATIVE_INFINITY
    for (const row of this.#case.rows.toSorted((a, b) => a.start - b.start)) {
      const endMs = row.start + row.lengthMs
      const before = next
      while (next < minutes.length && minutes[next]!.start < row.start) next++
      this.#missing(minutes.slice(before, next))
      const within = next
      while (next < minutes.length && minutes[next]!.start < endMs) next++
      this.#row(row, minutes.slice(within, next), row.start < reachedMs)
      reachedMs = Math.max(reachedMs, endMs)
    }
    this.#missing(minutes.slice(next))
    return this.verdict
  }

  #row(row: ApiSummary, minutes: readonly ApiSummary[], overlaps: boolean): void {
    if (overlaps || this.#misplaced(row)) {
      const expected = 'rows side by side, each of one span'
      this.#found(row, 'surplus', [{ field: 'row', expected, found: `${row.count} readings` }])
    } else if (minutes.length === 0)
      this.#found(row, 'surplus', [{ field: 'row', expected: 'none', found: `${row.count} readings` }])
    else {
      const unit = compareUnit(this.#case.name.metric, row.unit)
      const fields = [...compareMerge(minutes, row), ...compareSketch(row), ...unit]
      if (fields.length === 0) this.verdict.checked++
      else this.#found(row, 'wrong-value', fields)
    }
  }

  #misplaced({ start, lengthMs }: ApiSummary): boolean {
    const { leastMs, mostMs, startsEveryMs } = stepLengths[this.#case.step]
    return lengthMs < leastMs || lengthMs > mostMs || start % startsEveryMs !== 0
  }

  /** Minutes that no row covers, told by the span of UTC. */
  #missing(minutes: readonly ApiSummary[]): void {
    const lengthMs = usualMs[this.#case.step]
    for (const [start, of] of Map.groupBy(minutes, (row) => Math.floor(row.start / lengthMs) * lengthMs)) {
      const readings = of.reduce((sum, { count }) => sum + count, 0)
      const fields = [{ field: 'row', expected: `${readings} readings`, found: 'none' }]
      this.#found({ start, lengthMs }, 'missing', fields)
    }
  }

  #found({ start, lengthMs }: WindowSpan, kind: Difference['kind'], fields: FieldDifference[]): void {
    const { name, step, unsettled } = this.#case
    const why = unsettled({ start, lengthMs })
    if (why === undefined) {
      this.verdict.differences.push({ ...name, step, start, lengthMs, kind, readings: 1, fields })
      return
    }
    const reason = `${step === '1h' ? 'hours' : 'days'} with ${why}`
    this.verdict.notChecked.set(reason, (this.verdict.notChecked.get(reason) ?? 0) + 1)
  }
}

/**
 * Holds the hours or days of one series against the merge of its stored minutes, which are held against the ledger
 * elsewhere. A row that agrees counts as checked even where a minute of it is open.
 */
export function judgeSpans(input: SpanCase): SpanVerdict {
  return new SpanJudge(input).judge()
}
