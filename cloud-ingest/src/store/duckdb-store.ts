import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api'
import type { Alert, SeriesInfo } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import type {
  BootShare,
  DeviceBoots,
  DeviceCount,
  DeviceRange,
  LiveReading,
  Refusal,
  SeriesRange,
  Store,
  StoreBatch,
  StoredRow,
  Tier,
} from '../stored.ts'
import { lengthLabel, retentionDays } from '../stored.ts'
import { groupBoots } from './boots.ts'
import { type AlertRow, exportAlerts, exportCompleteness, exportRows, toAlert } from './duckdb-export.ts'
import {
  alertTable,
  completenessTable,
  createStage,
  createTable,
  readingTable,
  replaceFromStage,
  selectList,
  summaryTable,
  type TableKind,
  toBootRows,
  toChunks,
} from './duckdb-tables.ts'

const dayMs = 86_400_000
const maxRangesPerQuery = 200

function byTable<Row extends { lengthMs: number }>(prefix: string, rows: readonly Row[]): Map<string, Row[]> {
  const tables = new Map<string, Row[]>()
  for (const row of rows) {
    const table = `${prefix}_${lengthLabel(row.lengthMs)}`
    const list = tables.get(table)
    if (list) list.push(row)
    else tables.set(table, [row])
  }
  return tables
}

/**
 * One connection writes, one write after the other, because two writers of one row conflict in DuckDB; another reads.
 * Tables have no unique index (its memory grows with the history): that keys are unique is this class's duty.
 */
export class DuckDbStore implements Store {
  private readonly instance: DuckDBInstance
  private readonly writer: DuckDBConnection
  private readonly reader: DuckDBConnection
  private readonly clock: Clock
  private readonly tables: Set<string>
  private queue: Promise<unknown> = Promise.resolve()
  private closed = false

  private constructor(
    opened: { instance: DuckDBInstance; tables: string[] },
    connections: DuckDBConnection[],
    clock: Clock,
  ) {
    this.instance = opened.instance
    this.tables = new Set(opened.tables)
    this.writer = connections[0]!
    this.reader = connections[1]!
    this.clock = clock
  }

  static async open(opened: { instance: DuckDBInstance; tables: string[] }, clock: Clock): Promise<DuckDbStore> {
    return new DuckDbStore(opened, [await opened.instance.connect(), await opened.instance.connect()], clock)
  }

  async write(batch: StoreBatch): Promise<Refusal[]> {
    const rows = byTable('summary', batch.rows)
    const completeness = byTable('completeness', batch.completeness)
    await this.enqueue(async () => {
      for (const [table, part] of rows) await this.replace(table, summaryTable, part)
      for (const [table, part] of completeness) await this.replace(table, completenessTable, toBootRows(part))
    })
    for (const table of [...rows.keys(), ...completeness.keys()]) this.tables.add(table)
    return []
  }

  async writeReadings(readings: readonly LiveReading[]): Promise<void> {
    const newest = new Map(
      readings.map((reading) => [`${reading.site}/${reading.device}/${reading.metric}/${reading.ts}`, reading]),
    )
    await this.enqueue(async () => await this.replace('reading', readingTable, [...newest.values()]))
  }

  async writeAlerts(alerts: readonly Alert[]): Promise<void> {
    await this.enqueue(async () => await this.replace('alert', alertTable, alerts))
  }

  async readAlerts({ from, to }: { from: number; to: number }): Promise<Alert[]> {
    const sql = `SELECT ${selectList(alertTable)} FROM alert t WHERE start >= ?::BIGINT AND start < ?::BIGINT ORDER BY start, id`
    return (await this.read<AlertRow>(sql, [from, to])).map(toAlert)
  }

  async readRows(tier: Tier, ranges: readonly SeriesRange[]): Promise<StoredRow[][]> {
    const result: StoredRow[][] = ranges.map(() => [])
    for (let from = 0; from < ranges.length; from += maxRangesPerQuery) {
      const part = ranges.slice(from, from + maxRangesPerQuery)
      for (const table of this.tablesOf(tier)) {
        for (const { range, ...row } of await this.readRanges(table, part)) result[from + range]?.push(row)
      }
    }
    for (const rows of result) rows.sort((a, b) => a.start - b.start)
    return result
  }

  async readCounts({ from, to }: { from: number; to: number }): Promise<DeviceCount[]> {
    const tables = this.tablesOf('minutes')
    if (tables.length === 0) return []
    const parts = tables.map(
      (table) => `SELECT site, device, count FROM "${table}" WHERE start >= $1::BIGINT AND start < $2::BIGINT`,
    )
    const sql = `SELECT site, device, sum(count)::DOUBLE AS readings FROM (${parts.join(' UNION ALL ')}) GROUP BY ALL`
    return await this.read(sql, [from, to])
  }

  async readReadings({ site, device, metric, from, to }: SeriesRange): Promise<LiveReading[]> {
    const sql = `SELECT ${selectList(readingTable)} FROM reading t WHERE site = ? AND device = ? AND metric = ? AND ts >= ?::BIGINT AND ts < ?::BIGINT ORDER BY ts`
    return await this.read<LiveReading>(sql, [site, device, metric, from, to])
  }

  async readCompleteness({ site, device, from, to }: DeviceRange): Promise<DeviceBoots[]> {
    const tables = [...this.tables].filter((table) => table.startsWith('completeness_'))
    const parts = tables.map((table) => `SELECT * FROM "${table}" WHERE start >= $3::BIGINT AND start < $4::BIGINT`)
    const sql = `SELECT site, device, boot, sum(messages)::DOUBLE AS messages,
        CASE WHEN bool_and(known) THEN min("firstSeq")::DOUBLE END AS "firstSeq",
        CASE WHEN bool_and(known) THEN max("lastSeq")::DOUBLE END AS "lastSeq"
      FROM (SELECT *, "firstSeq" IS NOT NULL AND "lastSeq" IS NOT NULL AND (boot IS NOT NULL OR coalesce(
          "firstSeq" >= lag("firstSeq") OVER run AND "lastSeq" >= lag("lastSeq") OVER run, true)) AS known
        FROM (${parts.join(' UNION ALL ')}) WHERE ($1 IS NULL OR site = $1) AND ($2 IS NULL OR device = $2)
        WINDOW run AS (PARTITION BY site, device, boot ORDER BY start, "lengthMs"))
      GROUP BY site, device, boot ORDER BY site, device, boot NULLS FIRST`
    const rows = await this.read<BootShare & { site: string; device: string }>(sql, [
      site ?? null,
      device ?? null,
      from,
      to,
    ])
    return groupBoots(rows)
  }

  async *readAll(): AsyncIterable<StoreBatch> {
    const completeness = [...this.tables].filter((table) => table.startsWith('completeness_'))
    const summaries = [...this.tablesOf('minutes'), ...this.tablesOf('hours'), ...this.tablesOf('days')]
    const connection = await this.instance.connect()
    try {
      for (const table of completeness) yield* exportCompleteness(connection, table)
      for (const table of summaries) yield* exportRows(connection, table)
    } finally {
      connection.closeSync()
    }
  }

  async *readAllAlerts(): AsyncIterable<Alert[]> {
    yield* exportAlerts(this.reader)
  }

  async series(): Promise<SeriesInfo[]> {
    const all = [...this.tablesOf('minutes'), ...this.tablesOf('hours')]
    const parts = all.map((table) => `SELECT site, device, metric, unit, "lastTs", "last" FROM "${table}"`)
    return await this.read(`SELECT site, device, metric, arg_max(unit, "lastTs") AS unit, max("lastTs")::DOUBLE AS "lastTs",
      arg_max("last", "lastTs") AS "lastValue" FROM (${parts.join(' UNION ALL ')}) GROUP BY ALL`)
  }

  async expire(): Promise<void> {
    const now = this.clock.now()
    await this.enqueue(async () => {
      const kept = [
        ...this.tablesOf('minutes'),
        ...[...this.tables].filter((table) => table.startsWith('completeness_')),
      ]
      for (const table of kept) await this.deleteBefore(table, now - retentionDays.minutes * dayMs)
      await this.deleteBefore('reading', now - retentionDays.readings * dayMs)
    })
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.queue
    this.writer.closeSync()
    this.reader.closeSync()
    this.instance.closeSync()
  }

  private async deleteBefore(table: string, written: number): Promise<void> {
    await this.writer.run(`DELETE FROM "${table}" WHERE written < ?::BIGINT`, [written])
  }

  private tablesOf(tier: Tier): string[] {
    const [hours, days] = ['summary_1h', 'summary_1d']
    if (tier !== 'minutes') return [tier === 'hours' ? hours! : days!]
    return [...this.tables].filter((table) => table.startsWith('summary_') && table !== hours && table !== days)
  }

  private async readRanges(table: string, ranges: readonly SeriesRange[]): Promise<(StoredRow & { range: number })[]> {
    const values = ranges.map(() => '(?, ?, ?, ?::BIGINT, ?::BIGINT, ?)').join(', ')
    const params = ranges.flatMap(({ site, device, metric, from, to }, index) => [
      site,
      device,
      metric,
      from,
      to,
      index,
    ])
    const span = [Math.min(...ranges.map(({ from }) => from)), Math.max(...ranges.map(({ to }) => to))]
    const sql = `SELECT ${selectList(summaryTable)}, t.written::DOUBLE AS "writtenMs", range FROM "${table}" t
      JOIN (VALUES ${values}) r(rsite, rdevice, rmetric, rfrom, rto, range)
      ON t.site = rsite AND t.device = rdevice AND t.metric = rmetric AND t.start >= rfrom AND t.start < rto
      WHERE t.start >= ?::BIGINT AND t.start < ?::BIGINT`
    return await this.read(sql, [...params, ...span])
  }

  private async read<Row>(sql: string, params: DuckDBValue[] = []): Promise<Row[]> {
    const result = await this.reader.runAndReadAll(sql, params)
    return result.getRowObjectsJS() as Row[]
  }

  private async replace<Row>(table: string, kind: TableKind<Row>, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return
    const stage = `stage_${table}`
    if (!this.tables.has(table)) await this.writer.run(createTable(table, kind))
    await this.writer.run(createStage(stage, kind))
    const appender = await this.writer.createAppender(stage, null, 'temp')
    for (const chunk of toChunks(rows, kind)) appender.appendDataChunk(chunk)
    appender.closeSync()
    const [remove, insert] = replaceFromStage({ table, stage }, kind)
    await this.writer.run(remove!)
    await this.writer.run(insert!, [this.clock.now()])
  }

  /** Runs `write` as one transaction after those before it, whatever became of them. */
  private async enqueue(write: () => Promise<void>): Promise<void> {
    const turn = this.queue.then(async () => {
      await this.writer.run('BEGIN')
      try {
        await write()
        await this.writer.run('COMMIT')
      } catch (error) {
        await this.writer.run('ROLLBACK').catch(() => undefined)
        throw error
      }
    })
    this.queue = turn.catch(() => undefined)
    await turn
  }
}
