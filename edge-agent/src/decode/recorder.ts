import type { SetAsideReason } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import { qos0, unstamped } from '@millrace/windows'
import type { DeadLetter } from './dead-letters.ts'
import type { FormatContext } from './decoder.ts'
import { catalogued, type Quantity } from './names.ts'

/** A device of the dictionary; id 0 where there was no room for it, or where the message names none that is usable. */
export interface Target {
  id: number
  site?: string
  device?: string
}

/** Why what a broker had kept is left. */
export const oldNews = 'kept by the broker and without a time of its own: nobody knows how old it is'

/** Why something is no reading and set aside; `count` in readings, one unless given. */
export interface Refusal {
  reason: SetAsideReason
  why: string
  count?: number
}

/** What becomes of something that is no reading: left as it holds none, or set aside. */
export type Fate = { left: string } | Refusal

export interface SetAsideInput {
  target: Target
  reason: SetAsideReason
  /** In readings. */
  count?: number
  /** For people who try a message. */
  what: string
  why: string
}

interface Found {
  target: Target
  reason: SetAsideReason
  count: number
}

/** Writes what decoders of other formats find in a message: readings to the columns, the rest to the dead letters, every one of them once. */
export class Recorder {
  readonly #context: FormatContext
  readonly #deadLetters: DeadLetter[] = []
  readonly #declared = new Set<number>()
  readonly #found = new Map<string, Found>()
  #message: Message = { topic: '', body: new Uint8Array() }
  #arrivedMonotonicMs = 0
  #from = 0
  #taken = 0

  constructor(context: FormatContext) {
    this.#context = context
  }

  begin(message: Message, arrivedMonotonicMs: number): void {
    this.#message = message
    this.#arrivedMonotonicMs = arrivedMonotonicMs
    this.#context.columns.arrived(arrivedMonotonicMs)
    this.#from = this.#context.columns.readingCount
    this.#taken = 0
  }

  /** Series of a metric; 0 where there is no room for another, or for its device. */
  series(target: Target, metric: string): number {
    return target.id === 0 ? 0 : this.#context.names.series(target.id, metric)
  }

  unitOf(series: number): string {
    return this.#context.names.unitOf(series)
  }

  /** The first quantity a series is given since the start counts, so that two rules cannot make it change with every message. */
  reading(series: number, value: number, quantity: Quantity): void {
    if (!this.#declared.has(series)) {
      this.#declared.add(series)
      this.#context.names.declare(series, quantity)
    }
    this.#taken++
    this.#context.columns.push(series, value)
  }

  /** Ends one object of a device: its readings since the last call have this time, epoch ms, or lie so many ms after arrival. */
  seal({ id }: Target, time: { ts: number } | { afterArrivalMs: number }): void {
    const { columns } = this.#context
    const flags = this.#message.qos === 0 ? qos0 : 0
    const stamp =
      'ts' in time
        ? { ts: time.ts, flags }
        : { ts: this.#arrivedMonotonicMs + time.afterArrivalMs, flags: flags | unstamped }
    if (id !== 0) columns.seal(this.#from, id, { ...stamp, seq: Number.NaN, boot: 0 })
    this.#from = columns.readingCount
    if (this.#taken > 0) columns.took(id, this.#taken)
    this.#taken = 0
  }

  setAside({ target, reason, count = 1, what, why }: SetAsideInput): void {
    const key = `${target.id} ${target.site} ${target.device} ${reason}`
    const known = this.#found.get(key)
    if (known) known.count += count
    else this.#found.set(key, { target, reason, count })
    this.#context.trace?.setAside({ what, reason, why, count })
  }

  /** Ends the message: one dead letter for each device and reason in it. */
  end(): void {
    const { topic, body } = this.#message
    for (const { target, reason, count } of this.#found.values()) {
      const { id, site, device } = target
      this.#context.columns.setAside(id, reason, count)
      this.#deadLetters.push({
        ...{ reason, topic, count, body },
        ...(site === undefined || device === undefined ? {} : { site, device }),
      })
    }
    this.#found.clear()
  }

  takeDeadLetters(): DeadLetter[] {
    return this.#deadLetters.splice(0)
  }
}

/** The catalogue's quantity of a metric, with what is said of it beside. */
export function quantityOf(
  metric: string,
  { unit, kind }: { unit?: string | undefined; kind?: Quantity['kind'] | undefined },
): Quantity {
  const known = catalogued(metric)
  return { unit: unit ?? known.unit, kind: kind ?? known.kind }
}
