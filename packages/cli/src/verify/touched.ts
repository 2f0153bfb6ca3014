import type { WindowSpan } from './judge-series.ts'
import type { SeriesReadings } from './series-readings.ts'

function stateOf(readings: SeriesReadings | undefined, { start, lengthMs }: WindowSpan): string {
  let all = 0
  let acknowledged = 0
  for (let index = 0; index < (readings?.count ?? 0); index++) {
    const ts = readings!.ts(index)
    if (ts < start || ts >= start + lengthMs) continue
    all++
    if (readings!.pending(index) === 0) acknowledged++
  }
  return `${all} ${acknowledged} ${readings?.unstampedPermitted}`
}

/** True where a later reading of the ledger says something else about a window. A ledger only ever grows. */
export function windowChanged(
  then: SeriesReadings | undefined,
  now: SeriesReadings | undefined,
  span: WindowSpan,
): boolean {
  return stateOf(then, span) !== stateOf(now, span)
}
