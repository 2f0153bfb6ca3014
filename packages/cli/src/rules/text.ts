/** Times and lengths as the reports show them. */

const secondMs = 1000
const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', secondMs],
] as const

/** `2026-01-05 12:03`, in UTC; with seconds where it is no whole minute. */
export function timeText(ms: number): string {
  const text = new Date(ms).toISOString().replace('T', ' ')
  return ms % 60_000 === 0 ? text.slice(0, 16) : text.slice(0, 19)
}

/** The two largest units of a length: `1h 5m`, `90s` being `1m 30s`. */
export function lengthText(ms: number): string {
  let rest = Math.round(ms / secondMs) * secondMs
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0s'
}

/** Columns wide enough for their longest cell; the last one runs on. */
export function tableLines(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}
