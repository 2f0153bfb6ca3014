import { type Clock, type Delivery, type Message, type Source, systemClock } from '@millrace/pipeline'

export interface MemoryTransport {
  /** A new receiver; what no receiver acknowledged waits for the next one that starts. */
  source(): Source
  /** Resolves when every message has been acknowledged. */
  send(messages: readonly Message[]): Promise<void>
}

interface Waiting {
  message: Message
  acknowledged(): void
}

/** Messages inside one process, for pipelines under test: one receiver at a time. */
export function createMemoryTransport(clock: Clock = systemClock): MemoryTransport {
  const waiting: Waiting[] = []
  let wake: (() => void) | undefined
  return {
    source: () =>
      new MemorySource(waiting, clock, (listener) => {
        wake = listener
      }),
    send(messages) {
      const sent = messages.map(
        (message) => new Promise<void>((resolve) => waiting.push({ message, acknowledged: resolve })),
      )
      wake?.()
      return Promise.all(sent).then(() => undefined)
    },
  }
}

class MemorySource implements Source {
  readonly #waiting: Waiting[]
  readonly #clock: Clock
  readonly #listen: (listener: (() => void) | undefined) => void
  /** Handed on and neither acknowledged nor refused. */
  readonly #given = new Set<Waiting>()
  #receive: ((delivery: Delivery) => void) | undefined

  constructor(waiting: Waiting[], clock: Clock, listen: (listener: (() => void) | undefined) => void) {
    this.#waiting = waiting
    this.#clock = clock
    this.#listen = listen
  }

  async start(receive: (delivery: Delivery) => void): Promise<void> {
    this.#receive = receive
    this.#listen(() => this.#deliver())
    this.#deliver()
  }

  async stop(): Promise<void> {
    if (!this.#receive) return
    this.#receive = undefined
    this.#listen(undefined)
  }

  #deliver(): void {
    const items = this.#waiting.filter((item) => !this.#given.has(item))
    if (!this.#receive || items.length === 0) return
    for (const item of items) this.#given.add(item)
    this.#receive({
      messages: items.map((item) => item.message),
      arrivals: new Float64Array(items.length).fill(this.#clock.monotonic()),
      ack: () => this.#ack(items),
      refuse: () => this.#refuse(items),
    })
  }

  #ack(items: readonly Waiting[]): void {
    if (!this.#receive) return
    for (const item of items) {
      if (!this.#given.delete(item)) continue
      this.#waiting.splice(this.#waiting.indexOf(item), 1)
      item.acknowledged()
    }
  }

  #refuse(items: readonly Waiting[]): void {
    for (const item of items) this.#given.delete(item)
    setImmediate(() => this.#deliver())
  }
}
