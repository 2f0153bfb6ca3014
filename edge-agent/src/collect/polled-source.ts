import { randomBytes } from 'node:crypto'
import type { Clock, Delivery, Logger, Message, Source } from '@millrace/pipeline'

/** What one device measured at one moment, by metric. */
export interface SensorReport {
  device: string
  readings: Readonly<Record<string, number>>
}

/** A device that could not be read, and why, in words that stay the same while the cause does. */
export interface SensorProblem {
  device: string
  problem: string
}

export interface Poll {
  reports: SensorReport[]
  problems: SensorProblem[]
}

export interface SensorContext {
  /** Site of the agent, under which its own sensors stand. */
  site: string
  clock: Clock
  log: Logger
}

export interface PolledSourceOptions {
  /** As in the config file. */
  type: string
  /** Real time between two looks, ms. */
  everyMs: number
  /** Looks at every sensor once; a failure of one is a problem of that one. */
  poll(): Promise<Poll>
}

/** What a sensor source says of itself. */
export interface SensorState {
  type: string
  devices: number
  /** Devices that could not be read at the last look, with the reason. */
  problems: SensorProblem[]
  /** Messages that the agent has not taken yet. */
  held: number
  /** Messages given up because too many were held. */
  lost: number
}

/** An hour of one sensor a second: what a full spool may keep waiting before the oldest is given up. */
const maxHeld = 3_600

interface Held {
  message: Message
  arrivedMs: number
}

/**
 * Sensors of this machine as devices: each look makes one message per device, which goes the way of any device's
 * message. It carries no time of its own but the monotonic moment of the look, so it is placed right even when it was
 * taken before the clock was set; `boot` and `seq` tell its repeats.
 */
export class PolledSource implements Source {
  readonly #options: PolledSourceOptions
  readonly #context: SensorContext
  readonly #boot = randomBytes(4).toString('hex')
  readonly #seqs = new Map<string, number>()
  readonly #problems = new Map<string, string>()
  #held: Held[] = []
  #lost = 0
  #receive: ((delivery: Delivery) => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(options: PolledSourceOptions, context: SensorContext) {
    this.#options = options
    this.#context = context
  }

  async start(receive: (delivery: Delivery) => void): Promise<void> {
    this.#receive = receive
    this.#timer = setInterval(() => this.#beginLook(), this.#options.everyMs)
    this.#beginLook()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#receive = undefined
    await this.#looking
  }

  condition(): SensorState {
    return {
      type: this.#options.type,
      devices: this.#seqs.size,
      problems: [...this.#problems].map(([device, problem]) => ({ device, problem })),
      held: this.#held.length,
      lost: this.#lost,
    }
  }

  /** A look that takes longer than the interval is the only one under way. */
  #beginLook(): void {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
  }

  async #look(): Promise<void> {
    const { poll, type } = this.#options
    try {
      const { reports, problems } = await poll()
      this.#note(problems)
      const arrivedMs = this.#context.clock.monotonic()
      for (const report of reports) this.#held.push({ message: this.#message(report), arrivedMs })
    } catch (error) {
      this.#note([{ device: type, problem: error instanceof Error ? error.message : String(error) }])
    }
    this.#handOn()
  }

  #message({ device, readings }: SensorReport): Message {
    const seq = this.#seqs.get(device) ?? 0
    this.#seqs.set(device, seq + 1)
    const body = Buffer.from(JSON.stringify({ seq, boot: this.#boot, readings }))
    return { topic: `telemetry/${this.#context.site}/${device}`, body, qos: 1 }
  }

  /** Said once when a problem begins, changes or ends, not at every look. */
  #note(problems: readonly SensorProblem[]): void {
    const { type } = this.#options
    const { log } = this.#context
    for (const { device, problem } of problems) {
      if (this.#problems.get(device) !== problem) log.warn({ type, device, problem }, 'a sensor cannot be read')
    }
    const now = new Map(problems.map(({ device, problem }) => [device, problem]))
    for (const device of this.#problems.keys()) {
      if (!now.has(device)) log.info({ type, device }, 'a sensor can be read again')
    }
    this.#problems.clear()
    for (const [device, problem] of now) this.#problems.set(device, problem)
  }

  #handOn(): void {
    const held = this.#held
    if (!this.#receive || held.length === 0) return
    this.#held = []
    this.#receive({
      messages: held.map(({ message }) => message),
      arrivals: Float64Array.from(held, ({ arrivedMs }) => arrivedMs),
      ack: () => undefined,
      refuse: () => this.#takeBack(held),
    })
  }

  /** The sender of these messages is this process: it keeps them until the agent has room. */
  #takeBack(held: Held[]): void {
    this.#held = [...held, ...this.#held]
    const surplus = this.#held.length - maxHeld
    if (surplus <= 0) return
    if (this.#lost === 0) this.#context.log.error({ maxHeld }, 'the agent takes no readings: the oldest are given up')
    this.#held.splice(0, surplus)
    this.#lost += surplus
  }
}
