import type { Alert, SeriesInfo } from '@millrace/contracts'
import type { Logger } from '@millrace/pipeline'
import type { Figures } from '../figures.ts'
import type {
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
import { tierOf } from '../stored.ts'
import { mergeOverTime } from './boots.ts'
import { selectAlerts, selectAllAlerts, toAlertPoint, toAlerts } from './influxdb-alerts.ts'
import type { InfluxAddress } from './influxdb-client.ts'
import { InfluxConnection } from './influxdb-connection.ts'
import { toPoints } from './influxdb-figures.ts'
import {
  selectAll,
  selectAllCompleteness,
  selectCompleteness,
  selectCounts,
  selectNewest,
  selectReadings,
  selectRows,
  toCompleteness,
  toCounts,
  toRows,
  toSeries,
  toShares,
} from './influxdb-rows.ts'
import type { Policy } from './influxdb-schema.ts'
import { LineBuffer } from './line-buffer.ts'
import { LineEncoder } from './line-protocol.ts'
import { type RefusedLine, writeBisecting } from './refusals.ts'

const maxLinesPerRequest = 5_000
const maxAlertsPerRequest = 500

/** Writes lines of our own encoder; creates, queries and writes figures through the `influx` client. */
export class InfluxDbStore implements Store {
  private readonly log: Logger
  private readonly connection: InfluxConnection
  private readonly encoder = new LineEncoder()
  private readonly buffers: LineBuffer[] = []

  constructor(address: InfluxAddress, log: Logger) {
    this.log = log
    this.connection = new InfluxConnection(address)
  }

  async check(): Promise<void> {
    await this.connection.prepare()
  }

  async write({ rows, completeness }: StoreBatch): Promise<Refusal[]> {
    const minutes = rows.filter((row) => tierOf(row.lengthMs) === 'minutes')
    const history = rows.filter((row) => tierOf(row.lengthMs) !== 'minutes')
    const refusals = [...(await this.writeRows('minute', minutes)), ...(await this.writeRows('history', history))]
    const refused = await this.writeAll('minute', completeness, (row, line) => this.encoder.completeness(row, line))
    if (refused.length > 0) this.log.warn({ count: refused.length }, 'InfluxDB refused completeness rows')
    return refusals
  }

  async writeReadings(readings: readonly LiveReading[]): Promise<void> {
    await this.writeAll('live', readings, (reading, line) => this.encoder.reading(reading, line))
  }

  async writeAlerts(alerts: readonly Alert[]): Promise<void> {
    for (let from = 0; from < alerts.length; from += maxAlertsPerRequest)
      await this.connection.sendPoints('history', alerts.slice(from, from + maxAlertsPerRequest).map(toAlertPoint))
  }

  async readAlerts(span: { from: number; to: number }): Promise<Alert[]> {
    return toAlerts((await this.connection.query([selectAlerts(span)])).flat())
  }

  async writeFigures(figures: Figures): Promise<void> {
    for (const { policy, points } of toPoints(figures, Date.now())) await this.connection.sendPoints(policy, points)
  }

  async readRows(tier: Tier, ranges: readonly SeriesRange[]): Promise<StoredRow[][]> {
    const answers = await this.connection.query(ranges.map((range) => selectRows(tier, range)))
    return answers.map(toRows)
  }

  async readCounts(span: { from: number; to: number }): Promise<DeviceCount[]> {
    return toCounts((await this.connection.query([selectCounts(span)])).flat())
  }

  async readReadings(range: SeriesRange): Promise<LiveReading[]> {
    const { site, device, metric } = range
    const answers = await this.connection.query([selectReadings(range)])
    const values = answers.flat().flatMap((series) => series.values) as [number, number][]
    return values.map(([ts, value]) => ({ site, device, metric, ts, value }))
  }

  async readCompleteness(range: DeviceRange): Promise<DeviceBoots[]> {
    return mergeOverTime(toShares((await this.connection.query([selectCompleteness(range)])).flat()))
  }

  async *readAll(): AsyncIterable<StoreBatch> {
    for await (const series of this.connection.stream(selectAllCompleteness))
      yield { rows: [], completeness: toCompleteness([series]) }
    for (const tier of ['minutes', 'hours', 'days'] as const) {
      for await (const series of this.connection.stream(selectAll(tier)))
        yield { rows: toRows([series]), completeness: [] }
    }
  }

  async *readAllAlerts(): AsyncIterable<Alert[]> {
    for await (const series of this.connection.stream(selectAllAlerts)) yield toAlerts([series])
  }

  async series(): Promise<SeriesInfo[]> {
    return toSeries((await this.connection.query([selectNewest])).flat())
  }

  /** InfluxDB's retention policies do it. */
  async expire(): Promise<void> {}

  async close(): Promise<void> {}

  private async writeRows(policy: Policy, rows: readonly StoredRow[]): Promise<Refusal[]> {
    const refused = await this.writeAll(policy, rows, (row, line) => this.encoder.summary(row, line))
    return refused.map(({ index, reason, detail }) => ({ row: rows[index]!, reason, detail }))
  }

  private async writeAll<Item>(
    policy: Policy,
    items: readonly Item[],
    encode: (item: Item, line: LineBuffer) => void,
  ): Promise<RefusedLine[]> {
    const refused: RefusedLine[] = []
    const lines = this.buffers.pop() ?? new LineBuffer()
    for (let from = 0; from < items.length; from += maxLinesPerRequest) {
      lines.clear()
      for (const item of items.slice(from, from + maxLinesPerRequest)) encode(item, lines)
      const send = (start: number, end: number) => this.connection.send(policy, lines.slice(start, end))
      for (const line of await writeBisecting(lines.length, send)) refused.push({ ...line, index: from + line.index })
    }
    this.buffers.push(lines)
    return refused
  }
}
