import type { ApiSummary } from '@millrace/contracts'

/** Longest window an agent makes; longer rows are hours and days merged by the ingest. */
const longestWindowMs = 30 * 60_000

/** First moment after the row's data: an hour or day still being filled covers only what it holds. */
export function coveredUntil(row: ApiSummary): number {
  const end = row.start + row.lengthMs
  return row.lengthMs <= longestWindowMs ? end : Math.min(end, row.lastTs + 1)
}

export interface Joined {
  /** Stored, then provisional rows, ascending; no moment is covered twice. */
  rows: ApiSummary[]
  /** From here on no stored row covers the time axis: live readings belong here. -Infinity without stored rows. */
  openFrom: number
}

function byTime(a: ApiSummary, b: ApiSummary): number {
  return a.start - b.start || Number(a.provisional) - Number(b.provisional) || b.lengthMs - a.lengthMs
}

/** Drops whatever a row before it already covers, so one window is never drawn twice. */
export function join(all: Iterable<ApiSummary>): Joined {
  const rows: ApiSummary[] = []
  let covered = Number.NEGATIVE_INFINITY
  let openFrom = Number.NEGATIVE_INFINITY
  for (const row of [...all].sort(byTime)) {
    if (row.start < covered) continue
    rows.push(row)
    covered = coveredUntil(row)
    if (!row.provisional) openFrom = covered
  }
  return { rows, openFrom }
}

function replaces(next: ApiSummary, known: ApiSummary | undefined): boolean {
  if (!known) return true
  if (next.provisional) return known.provisional
  return known.provisional || (next.rev ?? 0) >= (known.rev ?? 0)
}

/** What the page holds of one series at one step: answers of the API and rows that arrived since. */
export class History {
  private byKey = new Map<string, ApiSummary>()
  private cached: Joined | undefined

  /** Takes rows; a window reopened by late readings never hides its stored row, an older revision never a newer. */
  put(rows: readonly ApiSummary[]): void {
    for (const row of rows) {
      const key = `${row.start}/${row.lengthMs}`
      if (!replaces(row, this.byKey.get(key))) continue
      this.byKey.set(key, row)
      this.cached = undefined
    }
  }

  clear(): void {
    this.byKey.clear()
    this.cached = undefined
  }

  dropBefore(ms: number): void {
    for (const [key, row] of this.byKey) {
      if (row.start + row.lengthMs <= ms) this.byKey.delete(key)
    }
    this.cached = undefined
  }

  get joined(): Joined {
    this.cached ??= join(this.byKey.values())
    return this.cached
  }
}

/** Index of the first row that ends after `ms`. */
export function firstEndingAfter(rows: readonly ApiSummary[], ms: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >> 1
    const row = rows[middle]
    if (row && row.start + row.lengthMs <= ms) low = middle + 1
    else high = middle
  }
  return low
}

/** The row whose window holds the moment, if any. */
export function rowAt(rows: readonly ApiSummary[], ms: number): ApiSummary | undefined {
  const row = rows[firstEndingAfter(rows, ms)]
  return row && row.start <= ms ? row : undefined
}
