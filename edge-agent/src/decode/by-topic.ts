import type { Message } from '@millrace/pipeline'
import type { DeadLetter } from './dead-letters.ts'
import type { Decoder, FormatDecoder } from './decoder.ts'

const contractRoot = 'telemetry/'

/** The contract's JSON on `telemetry/...`; any other topic goes to the first format that wants it, or is refused. */
export class DecoderByTopic implements Decoder {
  readonly #json: Decoder
  readonly #formats: readonly FormatDecoder[]

  constructor(json: Decoder, formats: readonly FormatDecoder[]) {
    this.#json = json
    this.#formats = formats
  }

  /** MQTT filters of the formats, none of which is covered by another. */
  get filters(): string[] {
    const all = new Set(this.#formats.flatMap(({ filters }) => filters))
    return [...all].filter((filter) => ![...all].some((other) => other !== filter && covers(other, filter)))
  }

  /** Messages on the formats' topics that hold no reading. */
  get ignored(): number {
    return this.#formats.reduce((sum, { ignored }) => sum + ignored, 0)
  }

  /** True where a device that signed in under this name may publish on a topic of a format. */
  allows(user: string, topic: string): boolean {
    return !topic.startsWith(contractRoot) && this.#formats.some((format) => format.allows(user, topic))
  }

  decode(message: Message, arrivedMonotonicMs: number): void {
    const taken =
      message.refused === undefined &&
      !message.topic.startsWith(contractRoot) &&
      this.#formats.some((format) => format.take(message, arrivedMonotonicMs))
    if (!taken) this.#json.decode(message, arrivedMonotonicMs)
  }

  takeDeadLetters(): DeadLetter[] {
    return [this.#json, ...this.#formats].flatMap((decoder) => decoder.takeDeadLetters())
  }
}

/** True where every topic of the second filter is one of the first. */
function covers(wide: string, narrow: string): boolean {
  const wanted = wide.split('/')
  const levels = narrow.split('/')
  const open = wanted.at(-1) === '#'
  const fixed = open ? wanted.slice(0, -1) : wanted
  if (open ? levels.length < fixed.length : levels.length !== fixed.length) return false
  return fixed.every((level, at) => level === levels[at] || (level === '+' && levels[at] !== '#'))
}
