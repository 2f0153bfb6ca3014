import {
  deviceObjectSchema,
  isName,
  maxMessageBytes,
  maxMetricsPerObject,
  maxReadingsPerMessage,
  metricObjectSchema,
  type SetAsideReason,
  valueSchema,
} from '@millrace/contracts'
import { unstamped } from '@millrace/windows'
import type { BatchBuilder, Envelope } from './batch-builder.ts'
import { contractWants } from './contract-reasons.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { Trace } from './decoder.ts'
import type { DecoderNames } from './names.ts'
import { type Parsed, parseBody } from './parse-body.ts'
import { oldNews } from './recorder.ts'
import type { TopicEntry } from './topic-cache.ts'

/** One message on its way through the contract. */
export interface Input {
  entry: TopicEntry
  body: Uint8Array
  arrivedMonotonicMs: number
  /** Flags that every reading of the message carries. */
  flags: number
  /** Delivered again by a broker because of its retain flag: counts only where it carries its own time. */
  retained: boolean
}

interface JudgeParts {
  names: DecoderNames
  columns: BatchBuilder
  deadLetters: DeadLetter[]
  /** Boots met, for the scanner to recognise. */
  boots: Map<string, number>
  trace?: Trace | undefined
}

type JsonObject = Readonly<Record<string, unknown>>
const { ts: timeField, seq: seqField, boot: bootField } = deviceObjectSchema.shape

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Own keys of an object's readings; none where it has no readings object. */
function metricsOf(object: unknown): string[] {
  return isObject(object) && isObject(object.readings) ? Object.keys(object.readings) : []
}

function refusedShape(object: JsonObject): SetAsideReason | undefined {
  if (!isObject(object.readings)) return 'bad-shape'
  return metricsOf(object).length > maxMetricsPerObject ? 'too-many-metrics' : undefined
}

/** `parsed` is undefined where the metric's name is refused. */
function refusedReading(parsed: { success: boolean } | undefined): SetAsideReason {
  if (parsed === undefined) return 'bad-name'
  return parsed.success ? 'too-many-series' : 'bad-value'
}

/**
 * Decodes through JSON.parse and the contract's schemas, and says why something is set aside. Slow and complete:
 * the scanner takes only what this accepts, with the same result.
 */
export class Judge {
  readonly #names: DecoderNames
  readonly #columns: BatchBuilder
  readonly #deadLetters: DeadLetter[]
  readonly #boots: Map<string, number>
  readonly #trace: Trace | undefined
  #input!: Input
  readonly #found = new Map<SetAsideReason, number>()
  #taken = 0

  constructor({ names, columns, deadLetters, boots, trace }: JudgeParts) {
    this.#names = names
    this.#columns = columns
    this.#deadLetters = deadLetters
    this.#boots = boots
    this.#trace = trace
  }

  judge(input: Input): void {
    this.#input = input
    const parsed: Parsed = input.body.length > maxMessageBytes ? { reason: 'too-large' } : parseBody(input.body)
    if ('reason' in parsed) {
      if (!input.retained) this.#setAside(parsed.reason)
    } else if (input.entry.metric === undefined) this.#deviceMessage(parsed.json)
    else this.#metricMessage(parsed.json, input.entry.metric)
    this.#report()
  }

  #setAside(reason: SetAsideReason, { count = 1, what = 'the message' } = {}): void {
    this.#found.set(reason, (this.#found.get(reason) ?? 0) + count)
    this.#trace?.setAside({ what, reason, why: contractWants(reason), count })
  }

  #report(): void {
    const { entry, body } = this.#input
    if (this.#taken > 0) this.#columns.took(entry.device, this.#taken)
    this.#taken = 0
    for (const [reason, count] of this.#found) {
      this.#columns.setAside(entry.device, reason, count)
      this.#deadLetters.push({ reason, topic: entry.topic, site: entry.site, device: entry.deviceName, count, body })
    }
    this.#found.clear()
  }

  #deviceMessage(json: unknown): void {
    const objects: readonly unknown[] = Array.isArray(json) ? json : [json]
    const total = objects.reduce((sum: number, object) => sum + metricsOf(object).length, 0)
    const refused = total > maxReadingsPerMessage ? 'too-many-readings' : undefined
    for (const [at, object] of objects.entries()) {
      this.#deviceObject(object, { refused, what: Array.isArray(json) ? `object ${at}` : 'the message' })
    }
  }

  #deviceObject(json: unknown, { refused, what }: { refused: SetAsideReason | undefined; what: string }): void {
    const object: JsonObject = isObject(json) ? json : {}
    if (this.#isOldNews(object)) return
    const metrics = metricsOf(object)
    const envelope = this.#envelope(object, refused ?? refusedShape(object))
    if ('reason' in envelope) {
      this.#setAside(envelope.reason, { count: Math.max(1, metrics.length), what })
      return
    }
    const from = this.#columns.readingCount
    const readings = object.readings as JsonObject
    for (const metric of metrics) this.#reading(metric, readings[metric])
    this.#seal(from, envelope)
  }

  #metricMessage(json: unknown, metric: string): void {
    const object: JsonObject = isObject(json) ? json : { value: json }
    if (this.#isOldNews(object)) return
    const envelope = this.#envelope(object, Array.isArray(json) ? 'bad-shape' : undefined)
    if ('reason' in envelope) {
      this.#setAside(envelope.reason)
      return
    }
    const from = this.#columns.readingCount
    this.#reading(metric, metricObjectSchema.shape.value.parse(object.value))
    this.#seal(from, envelope)
  }

  #isOldNews(object: JsonObject): boolean {
    if (!this.#input.retained || object.ts !== undefined) return false
    this.#trace?.left('the message', oldNews)
    return true
  }

  /**
   * The envelope, or why its object is set aside; `refused` is a reason found before. A message that is set aside
   * is recorded all the same where its `seq` and `boot` can be read, so that it leaves no gap in the completeness.
   */
  #envelope(object: JsonObject, refused: SetAsideReason | undefined): Envelope | { reason: SetAsideReason } {
    const seq = seqField.safeParse(object.seq)
    if (!seq.success) return { reason: 'bad-shape' }
    const boot = bootField.safeParse(object.boot)
    if (!boot.success) return { reason: refused ?? 'bad-name' }
    const ts = timeField.safeParse(object.ts)
    const stamp = ts.success ? ts.data : undefined
    const envelope = { ...this.#stamp(stamp), seq: seq.data ?? Number.NaN, boot: this.#boot(boot.data) }
    const reason = refused ?? (ts.success ? undefined : 'bad-time')
    if (reason === undefined) return envelope
    this.#seal(this.#columns.readingCount, envelope)
    return { reason }
  }

  #stamp(ts: number | undefined): Pick<Envelope, 'ts' | 'flags'> {
    const { arrivedMonotonicMs, flags } = this.#input
    return ts === undefined ? { ts: arrivedMonotonicMs, flags: flags | unstamped } : { ts, flags }
  }

  #boot(name: string | undefined): number {
    if (name === undefined) return 0
    const { entry } = this.#input
    const boot = this.#names.boot(name)
    if (boot === 0) return boot
    this.#boots.set(name, boot)
    entry.boot = boot
    entry.bootBytes = Buffer.from(name, 'latin1')
    return boot
  }

  /** A message of no usable device has no place in the completeness. */
  #seal(from: number, envelope: Envelope): void {
    const { device } = this.#input.entry
    if (device !== 0) this.#columns.seal(from, device, envelope)
  }

  #reading(metric: string, raw: unknown): void {
    const value = isName(metric) ? valueSchema.safeParse(raw) : undefined
    const series = value?.success ? this.#series(metric) : 0
    if (value?.success && series !== 0) {
      this.#taken++
      this.#columns.push(series, value.data)
    } else this.#setAside(refusedReading(value), { what: metric })
  }

  #series(metric: string): number {
    const { entry } = this.#input
    if (entry.device === 0) return 0
    const series = this.#names.series(entry.device, metric)
    if (series === 0) return 0
    if (entry.metric !== undefined) entry.series = series
    else entry.table.add(metric, series)
    return series
  }
}
