import { isName, parseTelemetryTopic, type SetAsideReason } from '@millrace/contracts'
import { MetricTable } from './metric-table.ts'
import type { DecoderNames } from './names.ts'
import type { Skeleton } from './skeleton.ts'
import { TopicSlots } from './topic-slots.ts'

const maxTopics = 200_000

/** What is known of a topic that names a usable device. */
export interface TopicEntry {
  // What every message needs stands first, so that it shares a cache line.
  readonly topic: string
  /** 0 where the dictionary has no room for the device. */
  readonly device: number
  skeleton: Skeleton | undefined
  /** Messages that did not equal the skeleton since it was learned. */
  misses: number
  site: string
  deviceName: string
  /** Only in the shape `telemetry/{site}/{device}/{metric}`; may be a bad name. */
  metric: string | undefined
  /** Series of the metric in the topic; 0 until its first good reading. */
  series: number
  /** Metrics of the device seen in good readings. */
  table: MetricTable
  /** The boot seen last, as bytes, and its id. */
  bootBytes: Uint8Array
  boot: number
}

/** Why a topic that is no telemetry topic was set aside. */
export function refusedTopic(topic: string): SetAsideReason {
  const levels = topic.split('/')
  return levels[0] === 'telemetry' && (levels.length === 3 || levels.length === 4) ? 'bad-name' : 'bad-topic'
}

/** Topics once parsed, so that a repeated topic costs one look-up. */
export class TopicCache {
  readonly #names: DecoderNames
  readonly #topics = new Map<string, TopicEntry>()
  readonly #slots = new TopicSlots()
  readonly #tables = new Map<number, MetricTable>()

  constructor(names: DecoderNames) {
    this.#names = names
  }

  /** Undefined where the topic names no usable device. */
  find(topic: string): TopicEntry | undefined {
    return this.#slots.find(topic) ?? this.#lookUp(topic)
  }

  #lookUp(topic: string): TopicEntry | undefined {
    const known = this.#topics.get(topic)
    if (known === undefined) return this.#learn(topic)
    this.#slots.put(known, this.#topics.size)
    return known
  }

  #learn(topic: string): TopicEntry | undefined {
    const [root, site = '', deviceName = '', metric, ...rest] = topic.split('/')
    if (root !== 'telemetry' || rest.length > 0 || !isName(site) || !isName(deviceName)) return undefined
    const device = this.#names.device(site, deviceName)
    const entry: TopicEntry = {
      topic,
      device,
      skeleton: undefined,
      misses: 0,
      site,
      deviceName,
      metric,
      series: 0,
      table: this.#table(device),
      bootBytes: new Uint8Array(),
      boot: 0,
    }
    const cached = device !== 0 && parseTelemetryTopic(topic) !== undefined
    if (!cached) return entry
    // Topics are bounded by the dictionary's devices and series in all but hostile input.
    if (this.#topics.size >= maxTopics) this.#forget()
    this.#topics.set(topic, entry)
    this.#slots.put(entry, this.#topics.size)
    return entry
  }

  #forget(): void {
    this.#topics.clear()
    this.#slots.clear()
  }

  #table(device: number): MetricTable {
    const table = this.#tables.get(device) ?? new MetricTable()
    if (device !== 0) this.#tables.set(device, table)
    return table
  }
}
