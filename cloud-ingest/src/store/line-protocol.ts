import type { CompletenessRow, LiveReading, StoredRow } from '../stored.ts'
import { lengthLabel, totalsOf } from '../stored.ts'

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

/** A float field: the shortest text that reads back as the same double. */
export function encodeFloat(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

/** Keeps the heads of series, which are a third of a line's work, from one batch to the next. */
export class LineEncoder {
  private readonly heads = new Map<string, string>()
  private readonly maxHeads: number

  constructor(maxHeads = 200_000) {
    this.maxHeads = maxHeads
  }

  summary(row: StoredRow): string {
    const increase = row.increase === null ? '' : `,increase=${encodeFloat(row.increase)}`
    return (
      `${this.seriesHead(`summary_${lengthLabel(row.lengthMs)}`, row)} agent="${row.agent}",amended=${row.amended}i,count=${row.count}i,` +
      `duplicate=${row.duplicate}i,first=${encodeFloat(row.first)},firstTs=${row.firstTs}i${increase},` +
      `last=${encodeFloat(row.last)},lastTs=${row.lastTs}i,lengthMs=${row.lengthMs}i,max=${encodeFloat(row.max)},` +
      `mean=${encodeFloat(row.mean)},min=${encodeFloat(row.min)},p50=${encodeFloat(row.p50)},p95=${encodeFloat(row.p95)},` +
      `p99=${encodeFloat(row.p99)},parts=${row.parts}i,rev=${row.rev}i,sketch="${row.sketch}",spool="${row.spool}",` +
      `stddev=${encodeFloat(row.stddev)},sum=${encodeFloat(row.sum)},unit=${encodeText(row.unit)},unstamped=${row.unstamped}i ${row.start}`
    )
  }

  /** All runs in one point, as tags name the device alone: sums for graphs, and the runs as JSON. */
  completeness(row: CompletenessRow): string {
    const { messages, missing } = totalsOf(row.boots)
    const head = encodeHead(`completeness_${lengthLabel(row.lengthMs)}`, [
      ['device', row.device],
      ['site', row.site],
    ])
    const boots = encodeText(JSON.stringify(row.boots))
    return `${head} boots=${boots},lengthMs=${row.lengthMs}i,messages=${messages}i${missing === null ? '' : `,missing=${missing}i`},rev=${row.rev}i ${row.start}`
  }

  reading(reading: LiveReading): string {
    return `${this.seriesHead('reading', reading)} value=${encodeFloat(reading.value)} ${reading.ts}`
  }

  private seriesHead(measurement: string, { site, device, metric }: Omit<LiveReading, 'ts' | 'value'>): string {
    const key = `${measurement}/${site}/${device}/${metric}`
    const known = this.heads.get(key)
    if (known !== undefined) return known
    if (this.heads.size >= this.maxHeads) this.heads.clear()
    const head = encodeHead(measurement, [
      ['device', device],
      ['metric', metric],
      ['site', site],
    ])
    this.heads.set(key, head)
    return head
  }
}
