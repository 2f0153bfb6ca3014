import type { Message, Reading } from './ledger.ts'

export interface MintSettings {
  device: string
  /** Event time of the first reading, epoch ms. */
  beginMs: number
  /** Event time per ms of real time. */
  speed: number
  /** Messages per real second. */
  rateHz: number
  random: () => number
}

/** Messages between two restarts of a device, on average. */
const messagesPerBoot = 2_000
/** Share of messages that carry several readings of the past at once, as devices do that sleep. */
const arrays = 0.1
const longestArray = 4

/**
 * Values are multiples of 1/64, and small: their sums are exact whatever the order of adding, so that a recount may
 * demand them to the last bit. `energy` never falls with event time, so that a window's increase is last - first.
 */
export class Mint {
  readonly #settings: MintSettings
  readonly #nextId: () => number
  readonly #stepMs: number
  #ts: number
  #boot = 0
  #seq = 0
  #untilBoot: number

  constructor(settings: MintSettings, nextId: () => number) {
    this.#settings = settings
    this.#nextId = nextId
    this.#stepMs = (1000 / settings.rateHz) * settings.speed
    this.#ts = settings.beginMs
    this.#untilBoot = this.#bootLength()
  }

  get boots(): number {
    return this.#boot + 1
  }

  /** The next message; its last reading is the newest of the device. */
  next(): Message {
    const { device, random } = this.#settings
    if (this.#untilBoot-- <= 0) this.#restart()
    const count = random() < arrays ? 2 + Math.floor(random() * (longestArray - 1)) : 1
    const readings = Array.from({ length: count }, () => this.#reading(this.#stepMs / count))
    return { id: this.#nextId(), device, readings }
  }

  #reading(stepMs: number): Reading {
    const { beginMs, random } = this.#settings
    // No two readings of a device share a moment: which of them is first would be a matter of their numbers alone.
    this.#ts += Math.max(1, Math.round(stepMs * (0.5 + random())))
    const temperature = Math.round((random() * 80 - 20) * 64) / 64
    const energy = Math.floor((this.#ts - beginMs) / 250) / 4
    return { boot: `b${this.#boot}`, seq: this.#seq++, ts: this.#ts, values: { temperature, energy } }
  }

  #restart(): void {
    this.#boot++
    this.#seq = 0
    this.#untilBoot = this.#bootLength()
  }

  #bootLength(): number {
    return Math.round(messagesPerBoot * (0.5 + this.#settings.random()))
  }
}

/** The payload as the contract has it. */
export function payloadOf({ readings }: Message): string {
  const objects = readings.map(({ boot, seq, ts, values }) => ({ ts, seq, boot, readings: values }))
  return JSON.stringify(objects.length === 1 ? objects[0] : objects)
}
