import type { FieldDifference } from './compare-row.ts'
import type { Difference } from './judge-series.ts'
import type { SetAsideDifference } from './set-aside.ts'

/** Readings, but for `wrongValue` (windows), `notChecked` (windows, hours and days), `series` and what says so. */
export interface VerifyReport {
  /** Acknowledged to the devices, each once, those that had to be set aside included. */
  sent: number
  /** In stored rows of the ledger's series. */
  stored: number
  missing: number
  doubled: number
  wrongWindow: number
  wrongValue: number
  setAside: number
  expectedSetAside: number
  /** In no row because they came too late, and the agent names each of them. */
  tooLate: number
  /** The same, but it only counts them: their windows were not checked. */
  tooLateNotNamed: number
  notChecked: number
  series: number
  /** Windows that were held against the ledger. */
  windows: number
  /** Hours and days that are the merge of their minutes, and those that are not. */
  hours: number
  days: number
  wrongHours: number
  wrongDays: number
  /** Rows that were changed after they were first stored. */
  amended: number
  notCheckedBy: Record<string, number>
  differences: Difference[]
  setAsideDifferences: SetAsideDifference[]
  reproducible: boolean
}

export function isClean({ differences, setAsideDifferences, reproducible }: VerifyReport): boolean {
  return differences.length === 0 && setAsideDifferences.length === 0 && reproducible
}

const shownDifferences = 10
const time = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z')

function fieldText({ field, expected, found }: FieldDifference): string {
  const value = (of: FieldDifference['found']) => (field.endsWith('Ts') && typeof of === 'number' ? time(of) : of)
  return `${field}: expected ${value(expected)}, found ${value(found)}`
}

const spanNames = { '1h': 'hour', '1d': 'day' }

function differenceLines(difference: Difference): string[] {
  const { site, device, metric, step, start, lengthMs, kind, readings, fields } = difference
  const length = step === undefined ? `${lengthMs / 1000} s` : spanNames[step]
  const span = `${time(start)} (${length})`
  const how = kind === 'wrong-value' ? 'wrong value' : step === undefined ? `${readings} ${kind}` : kind
  return [`  ${site}/${device}/${metric} ${span}: ${how}`, ...fields.map((field) => `      ${fieldText(field)}`)]
}

type Line = (label: string, value: number, note: string) => string

function tooLateLines({ tooLate, tooLateNotNamed }: VerifyReport, line: Line): string[] {
  const named = 'in no row: the agent names each as too late for a window that it had given up'
  const counted = 'more are missing and may be among those: the agent only counts them'
  return [
    ...(tooLate > 0 ? [line('too late', tooLate, named)] : []),
    ...(tooLateNotNamed > 0 ? [line('not named', tooLateNotNamed, counted)] : []),
  ]
}

function table(report: VerifyReport): string[] {
  const number = (value: number) => value.toLocaleString('en-GB').padStart(14)
  const line = (label: string, value: number, note = '') => `  ${label.padEnd(18)}${number(value)}  ${note}`.trimEnd()
  const reasons = Object.entries(report.notCheckedBy).map(([reason, count]) => `${reason} ${count}`)
  return [
    line('sent', report.sent, 'readings acknowledged to the devices'),
    line('stored', report.stored, `in ${report.series} series; ${report.windows} windows recounted`),
    line('missing', report.missing),
    line('doubled', report.doubled),
    line('wrong window', report.wrongWindow),
    line('wrong value', report.wrongValue),
    line('hours', report.hours, `agree with their minutes, ${report.wrongHours} wrong`),
    line('days', report.days, `agree with their minutes, ${report.wrongDays} wrong`),
    line('set aside', report.setAside, `expected ${report.expectedSetAside}`),
    ...tooLateLines(report, line),
    line('amended', report.amended, 'windows that changed after they were first stored'),
    line('not checked', report.notChecked, reasons.join(', ')),
  ]
}

function shownDifferenceLines({ differences, setAsideDifferences }: VerifyReport): string[] {
  const lines = [
    ...differences.slice(0, shownDifferences).flatMap(differenceLines),
    ...setAsideDifferences
      .slice(0, shownDifferences)
      .map(
        ({ device, reason, expected, found }) =>
          `  ${device} ${reason}: expected ${expected} set aside, found ${found}`,
      ),
  ]
  const hidden =
    Math.max(0, differences.length - shownDifferences) + Math.max(0, setAsideDifferences.length - shownDifferences)
  return hidden > 0 ? [...lines, `  ... and ${hidden} more (--json lists them)`] : lines
}

function conclusion(report: VerifyReport): string {
  if (!report.reproducible)
    return 'FAILED: part of the ledger cannot be told again (was a fleet or a recording changed?)'
  if (!isClean(report)) return 'FAILED: what is stored is not what was sent'
  const { tooLate, tooLateNotNamed } = report
  const ok = tooLateNotNamed > 0 ? `OK but for ${tooLateNotNamed} that nobody could check` : 'OK'
  const late = tooLate > 0 ? `, or named as too late (${tooLate})` : ''
  return `${ok}: every acknowledged reading is stored once, in its window, with its value${late}; hours and days agree`
}

/** For people: a table, then the first differences by name. */
export function humanReport(report: VerifyReport): string {
  return [...table(report), ...shownDifferenceLines(report), conclusion(report)].join('\n')
}

export function jsonReport(report: VerifyReport): string {
  return JSON.stringify({ ok: isClean(report), ...report })
}
