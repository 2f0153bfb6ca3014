import { BIGINT, DOUBLE, DuckDBDataChunk, type DuckDBType, type DuckDBValue, VARCHAR } from '@duckdb/node-api'
import type { Alert } from '@millrace/contracts'
import type { BootShare, CompletenessRow, LiveReading, StoredRow } from '../stored.ts'

interface Column<Row> {
  name: string
  type: DuckDBType
  of(row: Row): string | number | null
}

/** A kind of table: its columns in order, the last of them `written` (epoch ms, for retention). */
export interface TableKind<Row> {
  columns: readonly Column<Row>[]
  /** Columns that name a row; a row written replaces the one of the same key. */
  key: readonly string[]
  /** What retention and range scans go by. */
  time: string
}

function texts<Row extends object>(...names: (keyof Row & string)[]): Column<Row>[] {
  return names.map((name) => ({ name, type: VARCHAR, of: (row) => row[name] as string | null }))
}

function integers<Row extends object>(...names: (keyof Row & string)[]): Column<Row>[] {
  return names.map((name) => ({ name, type: BIGINT, of: (row) => row[name] as number | null }))
}

function doubles<Row extends object>(...names: (keyof Row & string)[]): Column<Row>[] {
  return names.map((name) => ({ name, type: DOUBLE, of: (row) => row[name] as number | null }))
}

export const summaryTable: TableKind<StoredRow> = {
  columns: [
    ...texts<StoredRow>('site', 'device', 'metric', 'unit', 'agent', 'spool', 'sketch'),
    ...integers<StoredRow>('start', 'lengthMs', 'rev', 'parts', 'count', 'firstTs', 'lastTs'),
    ...integers<StoredRow>('amended', 'duplicate', 'unstamped'),
    ...doubles<StoredRow>('sum', 'min', 'max', 'mean', 'stddev', 'first', 'last', 'p50', 'p95', 'p99', 'increase'),
  ],
  key: ['start', 'lengthMs', 'device', 'metric', 'site'],
  time: 'start',
}

/** One run of a device in one window. */
export type BootRow = Omit<CompletenessRow, 'boots'> & BootShare

export function toBootRows(rows: readonly CompletenessRow[]): BootRow[] {
  return rows.flatMap(({ boots, ...row }) => boots.map((share) => ({ ...row, ...share })))
}

/** The key names a window: all its runs are replaced together. */
export const completenessTable: TableKind<BootRow> = {
  columns: [
    ...texts<BootRow>('site', 'device', 'boot'),
    ...integers<BootRow>('start', 'lengthMs', 'rev', 'firstSeq', 'lastSeq', 'messages'),
  ],
  key: ['start', 'lengthMs', 'device', 'site'],
  time: 'start',
}

export const readingTable: TableKind<LiveReading> = {
  columns: [
    ...texts<LiveReading>('site', 'device', 'metric'),
    ...integers<LiveReading>('ts'),
    ...doubles<LiveReading>('value'),
  ],
  key: ['ts', 'device', 'metric', 'site'],
  time: 'ts',
}

/** Labels are one text of JSON; retention is none. */
export const alertTable: TableKind<Alert> = {
  columns: [
    ...texts<Alert>(
      'id',
      'site',
      'device',
      'metric',
      'rule',
      'version',
      'owner',
      'cause',
      'severity',
      'state',
      'change',
    ),
    ...texts<Alert>('agent', 'unit', 'message', 'movedFrom'),
    { name: 'labels', type: VARCHAR, of: ({ labels }) => JSON.stringify(labels) },
    ...integers<Alert>('rev', 'start', 'raised', 'end', 'learned'),
    ...doubles<Alert>('value', 'threshold'),
  ],
  key: ['start', 'id'],
  time: 'start',
}

const quote = (name: string) => `"${name}"`

export function createTable<Row>(table: string, { columns }: TableKind<Row>): string {
  const list = columns.map(({ name, type }) => `${quote(name)} ${type}`)
  return `CREATE TABLE IF NOT EXISTS ${quote(table)} (${list.join(', ')}, written BIGINT)`
}

/** Staged integers are doubles: making a BigInt of each would cost more than the whole write. */
export function createStage<Row>(stage: string, { columns }: TableKind<Row>): string {
  const list = columns.map(({ name, type }) => `${quote(name)} ${type === BIGINT ? DOUBLE : type}`)
  return `CREATE OR REPLACE TEMP TABLE ${quote(stage)} (${list.join(', ')})`
}

/** Replaces rows by key. The bound on time lets DuckDB skip all row groups outside the batch's span. */
export function replaceFromStage<Row>(target: { table: string; stage: string }, kind: TableKind<Row>): string[] {
  const [table, stage] = [quote(target.table), quote(target.stage)]
  const same = kind.key.map((name) => `t.${quote(name)} = s.${quote(name)}`).join(' AND ')
  const time = quote(kind.time)
  const span = `t.${time} BETWEEN (SELECT min(${time}) FROM ${stage})::BIGINT AND (SELECT max(${time}) FROM ${stage})::BIGINT`
  return [
    `DELETE FROM ${table} t USING ${stage} s WHERE ${same} AND ${span}`,
    `INSERT INTO ${table} SELECT *, ?::BIGINT FROM ${stage}`,
  ]
}

/** The columns as JavaScript numbers and texts; `written` is left out. */
export function selectList<Row>({ columns }: TableKind<Row>): string {
  return columns
    .map(({ name, type }) => (type === BIGINT ? `t.${quote(name)}::DOUBLE AS ${quote(name)}` : `t.${quote(name)}`))
    .join(', ')
}

const chunkRows = 2048

export function* toChunks<Row>(rows: readonly Row[], { columns }: TableKind<Row>): Iterable<DuckDBDataChunk> {
  const types = columns.map(({ type }) => (type === BIGINT ? DOUBLE : type))
  for (let from = 0; from < rows.length; from += chunkRows) {
    const part = rows.slice(from, from + chunkRows)
    const chunk = DuckDBDataChunk.create(types, part.length)
    chunk.setColumns(columns.map(({ of }) => part.map(of) as DuckDBValue[]))
    yield chunk
  }
}
