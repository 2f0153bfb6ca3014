import type { Message } from '@millrace/pipeline'
import type { MqttClient } from 'mqtt'

interface Entry {
  message: Message
  resolve(): void
  reject(error: Error): void
}

/**
 * QoS 1 messages without a PUBACK yet, in order. At most `max` are on the way at once, the others wait their turn.
 * After a reconnect all that were on the way are sent again at once: MQTT.js's own store would wait for each PUBACK.
 */
export class Outstanding {
  readonly #max: number
  readonly #onTheWay = new Set<Entry>()
  #waiting: Entry[] = []
  #waitingFrom = 0
  #client: MqttClient | undefined

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#onTheWay.size + this.#waiting.length - this.#waitingFrom
  }

  add(message: Message, withdrawn?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const entry = { message, resolve, reject }
      withdrawn?.addEventListener('abort', () => this.#withdraw(entry), { once: true })
      this.#waiting.push(entry)
      this.#pump()
    })
  }

  /** What a live connection was given may be there already, and stays. */
  #withdraw(entry: Entry): void {
    if (this.#client) return
    const at = this.#waiting.indexOf(entry, this.#waitingFrom)
    if (at >= 0) this.#waiting.splice(at, 1)
    else if (!this.#onTheWay.delete(entry)) return
    entry.reject(new Error('withdrawn'))
  }

  connected(client: MqttClient): void {
    this.#client = client
    for (const entry of this.#onTheWay) this.#send(entry, client)
    this.#pump()
  }

  lost(): void {
    this.#client = undefined
  }

  /** Gives up on all; each promise rejects with the error. */
  abandon(error: Error): void {
    const waiting = this.#waiting.slice(this.#waitingFrom)
    this.#waiting = []
    this.#waitingFrom = 0
    for (const entry of [...this.#onTheWay, ...waiting]) entry.reject(error)
    this.#onTheWay.clear()
  }

  #pump(): void {
    const client = this.#client
    while (client && this.#onTheWay.size < this.#max && this.#waitingFrom < this.#waiting.length) {
      const entry = this.#waiting[this.#waitingFrom++]!
      this.#onTheWay.add(entry)
      this.#send(entry, client)
    }
    if (this.#waitingFrom === this.#waiting.length || this.#waitingFrom > 1024) {
      this.#waiting.splice(0, this.#waitingFrom)
      this.#waitingFrom = 0
    }
  }

  #send(entry: Entry, client: MqttClient): void {
    const { topic, body, retain = false } = entry.message
    const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
    client.publish(topic, payload, { qos: 1, retain }, (error) => this.#settle(entry, client, error))
  }

  /** An error of a connection that has ended says nothing: the entry stays and is sent again. */
  #settle(entry: Entry, client: MqttClient, error: Error | null | undefined): void {
    if (error && (client !== this.#client || !client.connected)) return
    if (!this.#onTheWay.delete(entry)) return
    if (error) entry.reject(error)
    else entry.resolve()
    this.#pump()
  }
}
