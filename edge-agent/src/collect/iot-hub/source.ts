import { join } from 'node:path'
import { maxMessageBytes } from '@millrace/contracts'
import {
  backoff,
  type Delivery,
  type Message,
  pause,
  type Source,
  type SourceState,
  systemClock,
} from '@millrace/pipeline'
import { type HubEvent, type HubReader, openHubReader, readEventHub, type TakeEvents } from '@millrace/transports'
import type { CollectContext } from '../context.ts'
import { DeviceMessages } from './device-messages.ts'
import { decodePlace, encodePlace, isTaken, type Place } from './places.ts'
import type { HubCollectorSettings } from './settings.ts'

const marksOf = 'iot-hub/'
/** How soon to offer again what the spool refused. */
const againLimits = { minMs: 100, maxMs: 10_000 }
/** No hub keeps events for longer. */
const longestAgeMs = 7 * 24 * 3_600_000

type Fate = 'kept' | 'refused'

interface Waiting {
  /** Of the newest event, also where that is none of a device. */
  place: Place
  messages: readonly { message: Message; enqueuedMs: number }[]
}

/**
 * Devices of a hub as if they were the agent's own. Of each partition one delivery is under way at a time; the place of
 * its last event goes to disk in the same transaction, so what is read again after a kill is known and counts once.
 */
export class HubSource implements Source {
  readonly #messages: DeviceMessages
  readonly #context: CollectContext
  readonly #places = new Map<string, Place>()
  /** What became of the delivery under way, by partition. */
  readonly #underWay = new Map<string, Promise<Fate>>()
  readonly #gone = { lost: 0, passedOver: 0 }
  #receive: ((delivery: Delivery) => void) | undefined
  #reader: HubReader | undefined

  private constructor(settings: HubCollectorSettings, context: CollectContext) {
    this.#messages = new DeviceMessages(settings, context)
    this.#context = context
  }

  static async open(settings: HubCollectorSettings, context: CollectContext): Promise<HubSource> {
    const source = new HubSource(settings, context)
    const checkpoints = settings.checkpoints ?? { type: 'file' as const, dir: join(context.dataDir, 'checkpoints') }
    source.#reader = await openHubReader({
      settings: { ...settings, checkpoints },
      address: readEventHub(settings),
      log: context.log,
      maxBodyBytes: maxMessageBytes,
      open: (partition) => source.#taker(partition),
      lost: (events) => {
        source.#gone.lost += events
      },
      passedOver: (events) => source.#passOver(events),
    })
    return source
  }

  async start(receive: (delivery: Delivery) => void): Promise<void> {
    for (const [key, bytes] of await this.#context.loadMarks(marksOf)) {
      const place = decodePlace(bytes)
      if (place) this.#places.set(key, place)
    }
    this.#receive = receive
    this.#reader?.start()
  }

  async stop(): Promise<void> {
    await this.#reader?.stop()
    this.#receive = undefined
  }

  hears(): boolean {
    return this.problem() === undefined
  }

  problem(): string | undefined {
    return this.#reader?.problem()
  }

  state(): SourceState {
    return { events: { ...this.#gone } }
  }

  #passOver(events: number): void {
    this.#gone.passedOver += events
  }

  #taker(partition: string): TakeEvents {
    return async (events, signal) => {
      // Of a reader of this partition that was ended meanwhile: what becomes of it says what is new.
      await settledOrAborted(this.#underWay.get(partition), signal)
      const fresh = events.filter((event) => !isTaken(this.#places.get(partition), placeOf(event)))
      const messages = fresh.flatMap((event) => {
        const message = this.#messages.read(event, partition)
        return message === undefined ? [] : [{ message, enqueuedMs: event.enqueuedMs }]
      })
      this.#passOver(fresh.length - messages.length)
      if (messages.length === 0) return !signal.aborted
      return await this.#offer({ place: placeOf(fresh.at(-1)!), messages }, { partition, signal })
    }
  }

  /** Until it is on disk or the partition is given up. */
  async #offer(waiting: Waiting, { partition, signal }: { partition: string; signal: AbortSignal }): Promise<boolean> {
    for (let tries = 1; !signal.aborted; tries++) {
      const fate = this.#handOn(waiting, partition)
      this.#underWay.set(partition, fate)
      if ((await settledOrAborted(fate, signal)) === 'kept') return !signal.aborted
      await pause(backoff(tries, againLimits), signal).catch(() => undefined)
    }
    return false
  }

  #handOn({ place, messages }: Waiting, partition: string): Promise<Fate> {
    const { promise, resolve } = Promise.withResolvers<Fate>()
    this.#receive?.({
      messages: messages.map(({ message }) => message),
      arrivals: Float64Array.from(messages, ({ enqueuedMs }) => this.#arrivalOf(enqueuedMs)),
      marks: new Map([[partition, encodePlace(place)]]),
      ack: () => {
        this.#places.set(partition, place)
        resolve('kept')
      },
      refuse: () => resolve('refused'),
    })
    return promise
  }

  /** When the hub had it, for readings without a time of their own. A simulated clock has no such past. */
  #arrivalOf(enqueuedMs: number): number {
    const { clock } = this.#context
    const ageMs = clock === systemClock ? clock.now() - enqueuedMs : 0
    return clock.monotonic() - Math.min(longestAgeMs, Math.max(0, ageMs))
  }
}

function placeOf({ sequence, enqueuedMs }: HubEvent): Place {
  return { sequence, atMs: enqueuedMs }
}

async function settledOrAborted(fate: Promise<Fate> | undefined, signal: AbortSignal): Promise<Fate | undefined> {
  if (fate === undefined || signal.aborted) return undefined
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = () => aborted.resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([fate, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
