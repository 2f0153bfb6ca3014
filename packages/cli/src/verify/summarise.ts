import type { SeriesVerdict } from './judge-series.ts'
import type { Ledger } from './ledger.ts'
import { differencesOf, type StackVerdict } from './recount-stack.ts'
import type { VerifyReport } from './report.ts'
import type { SetAsideVerdict } from './set-aside.ts'
import { tooLateTotals } from './too-late.ts'

const sumOf = <T>(items: readonly T[], of: (item: T) => number) => items.reduce((sum, item) => sum + of(item), 0)

/** Of one series: a reading that is missing in one window and too many in another is in the wrong one. */
function effects({ differences }: SeriesVerdict) {
  const readings = (kind: string) =>
    sumOf(
      differences.filter((difference) => difference.kind === kind),
      (d) => d.readings,
    )
  const [missing, surplus] = [readings('missing'), readings('surplus')]
  const wrongWindow = Math.min(missing, surplus)
  return {
    missing: missing - wrongWindow,
    doubled: surplus - wrongWindow,
    wrongWindow,
    wrongValue: readings('wrong-value'),
  }
}

function notCheckedBy({ bySeries, unledgered }: StackVerdict): Record<string, number> {
  const reasons: Record<string, number> = {}
  for (const { notChecked, spans } of bySeries.values()) {
    const all = [...notChecked, ...spans['1h'].notChecked, ...spans['1d'].notChecked]
    for (const [reason, count] of all) reasons[reason] = (reasons[reason] ?? 0) + count
  }
  return unledgered > 0 ? { ...reasons, 'series outside the ledger': unledgered } : reasons
}

export function summarise(ledger: Ledger, verdict: StackVerdict, setAside: SetAsideVerdict): VerifyReport {
  const series = [...verdict.bySeries.values()]
  const found = series.map(effects)
  const reasons = notCheckedBy(verdict)
  const { named, unnamed } = tooLateTotals(series)
  return {
    sent: ledger.sent,
    stored: sumOf(series, ({ stored }) => stored),
    missing: sumOf(found, ({ missing }) => missing),
    doubled: sumOf(found, ({ doubled }) => doubled),
    wrongWindow: sumOf(found, ({ wrongWindow }) => wrongWindow),
    wrongValue: sumOf(found, ({ wrongValue }) => wrongValue),
    setAside: setAside.found,
    expectedSetAside: setAside.expected,
    ...{ tooLate: named, tooLateNotNamed: unnamed },
    notChecked: sumOf(Object.values(reasons), (count) => count),
    series: series.length,
    windows: sumOf(series, ({ windows }) => windows),
    hours: sumOf(series, ({ spans }) => spans['1h'].checked),
    days: sumOf(series, ({ spans }) => spans['1d'].checked),
    wrongHours: sumOf(series, ({ spans }) => spans['1h'].differences.length),
    wrongDays: sumOf(series, ({ spans }) => spans['1d'].differences.length),
    amended: sumOf(series, ({ amended }) => amended),
    notCheckedBy: reasons,
    differences: series.flatMap(differencesOf),
    setAsideDifferences: setAside.differences,
    reproducible: ledger.reproducible,
  }
}
