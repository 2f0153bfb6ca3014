import type { Tried, TriedReading } from './try-message.ts'

/** Rows with their columns aligned, indented; a column without any text is left out. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const cells = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column]!))
  const line = (row: readonly string[]) =>
    cells(row)
      .filter((_, column) => widths[column]! > 0)
      .join('  ')
  return rows.map((row) => `  ${line(row).trimEnd()}\n`).join('')
}

function timeOf({ time, afterArrivalMs }: TriedReading): string {
  if (time !== null) return time
  if (afterArrivalMs === 0) return 'on arrival'
  return `${Math.abs(afterArrivalMs) / 1000} s ${afterArrivalMs < 0 ? 'before' : 'after'} arrival`
}

function readingRow(reading: TriedReading): string[] {
  const { site, device, metric, value, unit, kind } = reading
  return [
    `${site}/${device}`,
    metric,
    `${value}${unit === '' ? '' : ` ${unit}`}`,
    kind === 'gauge' ? '' : kind,
    timeOf(reading),
  ]
}

/** What a message would become, for people. */
export function describeTried({ topic, matched, readings, setAside, left }: Tried): string {
  if (matched === null) {
    return `${topic}: no decoder takes this topic; the message would be a dead letter (${setAside.map(({ reason }) => reason).join(', ')})\n`
  }
  const counted = (what: string, count: number) => (count === 1 ? what : `${what}, ${count} readings`)
  return [
    `${topic}: ${matched.decoder}, ${matched.rule}\n`,
    readings.length === 0 ? 'no reading\n' : `readings\n${table(readings.map(readingRow))}`,
    setAside.length === 0
      ? ''
      : `set aside\n${table(setAside.map(({ what, reason, why, count }) => [counted(what, count), reason, why]))}`,
    left.length === 0 ? '' : `not taken\n${table(left.map(({ what, why }) => [what, why]))}`,
  ].join('')
}
