import type { CompletenessRow, LiveReading, StoredRow } from '../stored.ts'
import { lengthLabel, totalsOf } from '../stored.ts'
import type { LineBuffer } from './line-buffer.ts'

type Tags = readonly (readonly [key: string, value: string])[]

/** `measurement,tag=value...` with tags in the order given (sorted by key is fastest for the server). */
export function encodeHead(measurement: string, tags: Tags): string {
  let head = measurement.replace(/[, ]/g, '\\$&')
  for (const [key, value] of tags) head += `,${escapeTag(key)}=${escapeTag(value)}`
  return head
}

function escapeTag(text: string): string {
  return text.replace(/[,= ]/g, '\\$&')
}

/** A string field. Line breaks would end the line in some servers, so they become spaces. */
export function encodeText(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&').replace(/[\r\n]/g, ' ')}"`
}

const headOf = (measurement: string, { site, device, metric }: Omit<LiveReading, 'ts' | 'value'>) =>
  encodeHead(measurement, [
    ['device', device],
    ['metric', metric],
    ['site', site],
  ])

const zeros = Buffer.from(',amended=0i,duplicate=0i,unstamped=0i')

/** Keeps what all lines of a series begin with, a third of a line's work, from one batch to the next. */
export class LineEncoder {
  private readonly heads = new Map<string, Uint8Array>()
  private readonly maxHeads: number
  private last: { row: StoredRow; head: Uint8Array } | undefined

  constructor(maxHeads = 200_000) {
    this.maxHeads = maxHeads
  }

  summary(row: StoredRow, line: LineBuffer): void {
    line.put(this.summaryHead(row))
    line.integer(row.count)
    line.ascii(',rev=')
    line.integer(row.rev)
    writeValues(row, line)
    writeLate(row, line)
    line.ascii(',sketch="')
    line.ascii(row.sketch)
    line.ascii('"')
    line.end(row.start)
  }

  /** All runs in one point, as tags name the device alone: sums for graphs, and the runs as JSON. */
  completeness(row: CompletenessRow, line: LineBuffer): void {
    const { messages, missing } = totalsOf(row.boots)
    const head = encodeHead(`completeness_${lengthLabel(row.lengthMs)}`, [
      ['device', row.device],
      ['site', row.site],
    ])
    const boots = encodeText(JSON.stringify(row.boots))
    const known = missing === null ? '' : `,missing=${missing}i`
    line.text(`${head} boots=${boots},lengthMs=${row.lengthMs}i,messages=${messages}i${known},rev=${row.rev}i`)
    line.end(row.start)
  }

  reading(reading: LiveReading, line: LineBuffer): void {
    const { site, device, metric } = reading
    line.put(this.head(`${site}/${device}/${metric}`, () => `${headOf('reading', reading)} value=`))
    line.float(reading.value)
    line.end(reading.ts)
  }

  /** Up to the first field that differs from row to row. Rows come by series, so it is nearly always the last one. */
  private summaryHead(row: StoredRow): Uint8Array {
    if (this.last && haveOneHead(this.last.row, row)) return this.last.head
    const { site, device, metric, agent, spool, unit, lengthMs, parts } = row
    const key = `${site}/${device}/${metric}/${lengthMs}/${parts}/${agent}/${spool}/${unit}`
    const head = this.head(key, () => {
      const texts = `agent=${encodeText(agent)},spool=${encodeText(spool)},unit=${encodeText(unit)}`
      return `${headOf(`summary_${lengthLabel(lengthMs)}`, row)} ${texts},lengthMs=${lengthMs}i,parts=${parts}i,count=`
    })
    this.last = { row, head }
    return head
  }

  private head(key: string, make: () => string): Uint8Array {
    const known = this.heads.get(key)
    if (known !== undefined) return known
    if (this.heads.size >= this.maxHeads) this.heads.clear()
    const head = Buffer.from(make())
    this.heads.set(key, head)
    return head
  }
}

const haveOneHead = (a: StoredRow, b: StoredRow) =>
  a.device === b.device &&
  a.metric === b.metric &&
  a.site === b.site &&
  a.agent === b.agent &&
  a.spool === b.spool &&
  a.unit === b.unit &&
  a.lengthMs === b.lengthMs &&
  a.parts === b.parts

function writeValues(row: StoredRow, line: LineBuffer): void {
  line.ascii(',first=')
  line.float(row.first)
  line.ascii(',firstTs=')
  line.integer(row.firstTs)
  line.ascii(',last=')
  line.float(row.last)
  line.ascii(',lastTs=')
  line.integer(row.lastTs)
  line.ascii(',max=')
  line.float(row.max)
  line.ascii(',mean=')
  line.float(row.mean)
  line.ascii(',min=')
  line.float(row.min)
  line.ascii(',p50=')
  line.float(row.p50)
  line.ascii(',p95=')
  line.float(row.p95)
  line.ascii(',p99=')
  line.float(row.p99)
  line.ascii(',stddev=')
  line.float(row.stddev)
  line.ascii(',sum=')
  line.float(row.sum)
  if (row.increase === null) return
  line.ascii(',increase=')
  line.float(row.increase)
}

function writeLate({ amended, duplicate, unstamped }: StoredRow, line: LineBuffer): void {
  if (amended + duplicate + unstamped === 0) {
    line.put(zeros)
    return
  }
  line.ascii(',amended=')
  line.integer(amended)
  line.ascii(',duplicate=')
  line.integer(duplicate)
  line.ascii(',unstamped=')
  line.integer(unstamped)
}
