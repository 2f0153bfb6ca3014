export interface Series {
  name: string
  tags?: Record<string, string>
  columns: string[]
  values: (number | string | null)[][]
}

/** The series that a database `telemetry` answers; an error of the statement, which comes with HTTP 200, rejects. */
export async function queryInflux(url: string, statement: string): Promise<Series[]> {
  const body = new URLSearchParams({ q: statement, epoch: 'ms' })
  const response = await fetch(`${url}/query?db=telemetry`, { method: 'POST', body })
  const answer = (await response.json()) as { error?: string; results?: { error?: string; series?: Series[] }[] }
  const [result] = answer.results ?? []
  const error = answer.error ?? result?.error
  if (error !== undefined || !result) throw new Error(`${error ?? response.status}: ${statement}`)
  return result.series ?? []
}

/** Numbers of all columns but the time, of one column if it is named. */
export function numbersOf(series: readonly Series[], column?: string): number[] {
  return series.flatMap(({ columns, values }) =>
    values.flatMap((row) =>
      row.filter((value, index): value is number => {
        return index > 0 && typeof value === 'number' && (column === undefined || columns[index] === column)
      }),
    ),
  )
}
