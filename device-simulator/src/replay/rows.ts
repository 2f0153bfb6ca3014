import { type Problem, UsageError } from '@millrace/pipeline'
import { splitCsv, splitSpaces } from './cells.ts'
import { columnsOf, hasHeader, type RecordingMap } from './map.ts'

/** One row of a recording: the value of a column, undefined where it has none. */
export type Row = (column: string) => unknown

/** The row of a line, the reason why it is none, or undefined for a line that is not meant to be one. */
export type RowReader = (line: string) => Row | string | undefined

/** Reads lines in order. Throws a UsageError where the header lacks columns that the map asks for. */
export function createRowReader(map: RecordingMap): RowReader {
  const read = map.format === 'json-lines' ? readJson : createTableReader(map)
  let toSkip = map.skip
  return (line) => {
    if (toSkip > 0) {
      toSkip--
      return undefined
    }
    if (line.trim() === '' || (map.comment !== undefined && line.startsWith(map.comment))) return undefined
    return read(line)
  }
}

function readJson(line: string): Row | string {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'not JSON'
  }
  return value !== null && typeof value === 'object' ? (path) => valueAt(value, path) : 'not a JSON object'
}

/** A member whose name is the whole path comes first, so that names with dots can be reached. */
function valueAt(value: unknown, path: string): unknown {
  if (value === null || typeof value !== 'object') return undefined
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path]
  const dot = path.indexOf('.')
  if (dot < 0 || !Object.hasOwn(value, path.slice(0, dot))) return undefined
  return valueAt((value as Record<string, unknown>)[path.slice(0, dot)], path.slice(dot + 1))
}

function createTableReader(map: RecordingMap): RowReader {
  const split = map.format === 'csv' ? (line: string) => splitCsv(line, map) : splitSpaces
  let columns = hasHeader(map) ? undefined : createColumns(map.columns ?? [], map)
  let settled = columns !== undefined
  return (line) => {
    const cells = split(line)
    if (typeof cells === 'string') return cells
    if (!columns) {
      columns = createColumns(map.columns ?? cells.map((cell) => cell.trim()), map)
      return undefined
    }
    if (!settled && cells.length === columns.count + 1) columns = columns.withUnnamedFirst()
    settled ||= cells.length === columns.count
    return cells.length === columns.count ? columns.row(cells) : `${cells.length} columns instead of ${columns.count}`
  }
}

interface Columns {
  count: number
  row(cells: readonly string[]): Row
  /** The same names for rows whose first column has none. */
  withUnnamedFirst(): Columns
}

function createColumns(names: readonly string[], map: RecordingMap): Columns {
  const index = indexOf(names, map)
  return {
    count: names.length,
    row: (cells) => (column) => cells[index.get(column) ?? -1],
    withUnnamedFirst: () => createColumns(['', ...names], map),
  }
}

function indexOf(names: readonly string[], map: RecordingMap): Map<string, number> {
  const index = new Map(names.map((name, at) => [name, at]))
  const missing = columnsOf(map).filter((column) => !index.has(column))
  if (missing.length > 0) {
    const expected = `one of ${names.filter((name) => name !== '').join(', ')}`
    const problems = missing.map((column): Problem => ({ path: 'column', found: column, expected }))
    throw new UsageError('the map asks for columns that the recording does not have', problems)
  }
  return index
}
