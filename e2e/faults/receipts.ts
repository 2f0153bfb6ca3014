import { EventEmitter } from 'node:events'
import mqtt, { type MqttClient } from 'mqtt'

/** What a receipt covers, as one number that only grows. */
function coverage(body: string): number {
  const { upTo, ranges } = JSON.parse(body) as { upTo: number; ranges: [number, number][] }
  return upTo + 1 + ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** Listens at the cloud broker, to know when an ingest has committed something new and a broker has carried it. */
export class Receipts {
  /** When a receipt last covered more than those before it, epoch ms. */
  grewAtMs = 0
  /** When the broker last took a connection of this listener, epoch ms. */
  connectedAtMs = 0
  /** `took`: a receipt has grown just now. */
  readonly events = new EventEmitter()
  readonly #client: MqttClient
  readonly #covered = new Map<string, number>()

  constructor(url: string) {
    this.#client = mqtt.connect(url, { reconnectPeriod: 30, connectTimeout: 2_000, clean: true })
    this.#client.on('error', () => undefined)
    this.#client.on('connect', () => {
      this.connectedAtMs = Date.now()
      this.#client.subscribe('millrace/v1/+/+/receipt')
    })
    this.#client.on('message', (topic, payload) => {
      const covered = coverage(payload.toString())
      if (covered <= (this.#covered.get(topic) ?? 0)) return
      this.#covered.set(topic, covered)
      this.grewAtMs = Date.now()
      this.events.emit('took')
    })
  }

  close(): void {
    this.#client.end(true)
  }
}
