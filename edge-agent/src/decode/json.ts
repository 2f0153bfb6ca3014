import { setAsideReasons } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import { qos0 } from '@millrace/windows'
import type { BatchBuilder } from './batch-builder.ts'
import { contractWants } from './contract-reasons.ts'
import type { DeadLetter } from './dead-letters.ts'
import type { Decoder, DecoderContext, Trace } from './decoder.ts'
import { Judge } from './judge.ts'
import { oldNews } from './recorder.ts'
import { Scanner } from './scanner.ts'
import { refusedTopic, TopicCache, type TopicEntry } from './topic-cache.ts'

/** JSON as the contract has it: an object or an array per device, a value or an object per metric. */
export class JsonDecoder implements Decoder {
  readonly #columns: BatchBuilder
  readonly #topics: TopicCache
  readonly #scanner: Scanner
  readonly #judge: Judge
  readonly #deadLetters: DeadLetter[] = []
  readonly #scans: boolean
  readonly #trace: Trace | undefined
  /** Messages taken straight from their bytes; the others went through the contract's schemas. */
  scanned = 0

  /** Without `scans` every message goes through the contract's schemas: the reference in tests, and who alone knows why. */
  constructor({ names, columns, trace }: DecoderContext & { trace?: Trace | undefined }, { scans = true } = {}) {
    const boots = new Map<string, number>()
    this.#columns = columns
    this.#topics = new TopicCache(names)
    this.#scanner = new Scanner(columns, boots)
    this.#judge = new Judge({ names, columns, boots, deadLetters: this.#deadLetters, trace })
    this.#scans = scans && trace === undefined
    this.#trace = trace
  }

  decode(message: Message, arrivedMonotonicMs: number): void {
    const { topic, body } = message
    this.#columns.arrived(arrivedMonotonicMs)
    const entry = this.#topics.find(topic)
    if (entry === undefined || message.refused !== undefined) {
      this.#refuse(message, entry)
      return
    }
    this.#trace?.matched('json', 'telemetry/{site}/{device}')
    const flags = message.qos === 0 ? qos0 : 0
    const retained = message.retain === true
    this.#scanner.prepare(arrivedMonotonicMs, flags)
    if (this.#scans && !retained && entry.device !== 0 && this.#scanner.scan(entry, body)) {
      this.scanned++
      return
    }
    this.#judge.judge({ entry, body, arrivedMonotonicMs, flags, retained })
  }

  takeDeadLetters(): DeadLetter[] {
    return this.#deadLetters.splice(0)
  }

  /** Device 0 keeps the count of what no device can be blamed for. */
  #refuse({ topic, body, retain, refused }: Message, entry: TopicEntry | undefined): void {
    const reason = setAsideReasons.find((known) => known === refused) ?? refusedTopic(topic)
    if (reason === 'bad-name') this.#trace?.matched('json', 'telemetry/{site}/{device}')
    if (retain) {
      this.#trace?.left('the message', oldNews)
      return
    }
    this.#columns.setAside(entry?.device ?? 0, reason, 1)
    const sender = entry ? { site: entry.site, device: entry.deviceName } : {}
    this.#deadLetters.push({ reason, topic, count: 1, body, ...sender })
    this.#trace?.setAside({ what: 'the message', reason, why: contractWants(reason), count: 1 })
  }
}
