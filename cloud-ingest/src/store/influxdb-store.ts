import type { SeriesInfo } from '@millrace/contracts'
import { type Logger, MillraceError, UnreachableError } from '@millrace/pipeline'
import type { InfluxDB } from 'influx'
import type {
  DeviceBoots,
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
import {
  authorizationOf,
  createClient,
  createMissing,
  type InfluxAddress,
  type Policy,
  query,
  type ResultSeries,
} from './influxdb-client.ts'
import { type WriteTarget, writeLines } from './influxdb-http.ts'
import {
  selectCompleteness,
  selectNewest,
  selectReadings,
  selectRows,
  toCompleteness,
  toRows,
  toSeries,
} from './influxdb-rows.ts'
import { LineEncoder } from './line-protocol.ts'
import { type RefusedLine, writeBisecting } from './refusals.ts'

const maxLinesPerRequest = 5_000
const maxStatementsPerQuery = 100

/** Writes lines of our own encoder; creates and queries through the `influx` client. */
export class InfluxDbStore implements Store {
  private readonly address: InfluxAddress
  private readonly log: Logger
  private readonly client: InfluxDB
  private readonly target: WriteTarget
  private readonly encoder = new LineEncoder()
  private prepared = false

  constructor(address: InfluxAddress, log: Logger) {
    this.address = address
    this.log = log
    this.client = createClient(address)
    this.target = { url: address.url, database: address.database, authorization: authorizationOf(address) }
  }

  async write({ rows, completeness }: StoreBatch): Promise<Refusal[]> {
    await this.prepare()
    const minutes = rows.filter((row) => tierOf(row.lengthMs) === 'minutes')
    const history = rows.filter((row) => tierOf(row.lengthMs) !== 'minutes')
    const refusals = [...(await this.writeRows('minute', minutes)), ...(await this.writeRows('history', history))]
    const lines = completeness.map((row) => this.encoder.completeness(row))
    const refused = await this.writeAll('minute', lines)
    if (refused.length > 0) this.log.warn({ count: refused.length }, 'InfluxDB refused completeness rows')
    return refusals
  }

  async writeReadings(readings: readonly LiveReading[]): Promise<void> {
    await this.prepare()
    for (let from = 0; from < readings.length; from += maxLinesPerRequest) {
      const lines = readings.slice(from, from + maxLinesPerRequest).map((reading) => this.encoder.reading(reading))
      await this.send('live', lines)
    }
  }

  async readRows(tier: Tier, ranges: readonly SeriesRange[]): Promise<StoredRow[][]> {
    const answers = await this.query(ranges.map((range) => selectRows(tier, range)))
    return answers.map(toRows)
  }

  async readReadings(range: SeriesRange): Promise<LiveReading[]> {
    const { site, device, metric } = range
    const answers = await this.query([selectReadings(range)])
    const values = answers.flat().flatMap((series) => series.values) as [number, number][]
    return values.map(([ts, value]) => ({ site, device, metric, ts, value }))
  }

  async readCompleteness(range: DeviceRange): Promise<DeviceBoots[]> {
    return mergeOverTime(toCompleteness((await this.query([selectCompleteness(range)])).flat()))
  }

  async series(): Promise<SeriesInfo[]> {
    return toSeries((await this.query([selectNewest])).flat())
  }

  /** InfluxDB's retention policies do it. */
  async expire(): Promise<void> {}

  async close(): Promise<void> {}

  private async writeRows(policy: Policy, rows: readonly StoredRow[]): Promise<Refusal[]> {
    const refused = await this.writeAll(
      policy,
      rows.map((row) => this.encoder.summary(row)),
    )
    return refused.map(({ index, reason, detail }) => ({ row: rows[index]!, reason, detail }))
  }

  private async writeAll(policy: Policy, lines: readonly string[]): Promise<RefusedLine[]> {
    const refused: RefusedLine[] = []
    for (let from = 0; from < lines.length; from += maxLinesPerRequest) {
      const part = lines.slice(from, from + maxLinesPerRequest)
      const found = await writeBisecting(part.length, (start, end) => this.send(policy, part.slice(start, end)))
      for (const line of found) refused.push({ ...line, index: from + line.index })
    }
    return refused
  }

  private async send(policy: Policy, lines: readonly string[]) {
    try {
      return await writeLines(this.target, policy, lines)
    } catch (error) {
      this.prepared = false
      throw error
    }
  }

  /** Again after each failure: the database or a policy may have been dropped meanwhile. */
  private async prepare(): Promise<void> {
    if (this.prepared) return
    await this.reach(() => createMissing(this.client, this.address))
    this.prepared = true
  }

  private async query(statements: readonly string[]): Promise<ResultSeries[][]> {
    const answers: ResultSeries[][] = []
    for (let from = 0; from < statements.length; from += maxStatementsPerQuery) {
      const part = statements.slice(from, from + maxStatementsPerQuery)
      answers.push(...(await this.reach(() => query(this.client, part))))
    }
    return answers
  }

  private async reach<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      const said = cause instanceof Error ? cause.message : String(cause)
      throw new UnreachableError(`no use of InfluxDB at ${this.address.url} (stores[].url): ${said}`, { cause })
    }
  }
}
