import mqtt, { type MqttClient } from 'mqtt'
import type { Ledger, Message } from './ledger.ts'
import { Mint, type MintSettings, payloadOf } from './minting.ts'

export interface DeviceSettings extends MintSettings {
  url: string
  site: string
  windowMs: number
  /** Shares of messages that come late, twice, or after their successors. */
  late: number
  doubled: number
  shuffled: number
}

export interface DeviceEvents {
  acknowledged(message: Message, first: boolean): void
}

/** Most messages on the way at once, and most that wait for that: a device behind on both stops measuring. */
const maxInFlight = 40
const maxBehind = 2_000
const reconnectMs = 40
const longestLateWindows = 6
const longestShuffle = 5

interface Planned {
  message: Message
  dueMs: number
}

/**
 * A device that keeps every message until its PUBACK and sends it again on the next connection. The client library
 * keeps nothing: what was sent how often is known here.
 */
export class Device {
  readonly counts = { issued: 0, acked: 0, acks: 0, repeats: 0, doubled: 0, late: 0, shuffled: 0 }
  readonly #settings: DeviceSettings
  readonly #ledger: Ledger
  readonly #events: DeviceEvents
  readonly #mint: Mint
  readonly #queue: Message[] = []
  readonly #held: { message: Message; after: number }[] = []
  readonly #planned: Planned[] = []
  readonly #inFlight = new Map<number, Message>()
  readonly #sent = new Set<number>()
  readonly #acked = new Set<number>()
  #client: MqttClient | undefined
  #connected = false
  #nextMintMs: number
  #minting = true
  #closed = false

  constructor(settings: DeviceSettings, own: { ledger: Ledger; events: DeviceEvents; nextId: () => number }) {
    this.#settings = settings
    this.#ledger = own.ledger
    this.#events = own.events
    this.#mint = new Mint(settings, own.nextId)
    this.#nextMintMs = performance.now() + (settings.random() * 1000) / settings.rateHz
  }

  get boots(): number {
    return this.#mint.boots
  }

  get name(): string {
    return this.#settings.device
  }

  /** Messages that still have to be sent or acknowledged. */
  get behind(): number {
    return this.#queue.length + this.#inFlight.size + this.#held.length + this.#planned.length
  }

  get pending(): number {
    return this.#sent.size - this.#acked.size
  }

  /** From now on only what was minted is sent, at once. */
  stopMinting(): void {
    this.#minting = false
    for (const { message } of this.#held.splice(0)) this.#queue.push(message)
    for (const planned of this.#planned) planned.dueMs = 0
  }

  close(): void {
    this.#closed = true
    this.#client?.end(true)
  }

  tick(nowMs: number): Message[] {
    const minted: Message[] = []
    while (this.#minting && this.#nextMintMs <= nowMs && this.behind < maxBehind) {
      minted.push(this.#mintOne(nowMs))
      this.#nextMintMs += 1000 / this.#settings.rateHz
    }
    // A device that stopped measuring goes on from now: it never makes up for what it did not measure.
    if (this.behind >= maxBehind) this.#nextMintMs = nowMs
    this.#release(nowMs)
    if (!this.#client && !this.#closed) this.#connect()
    while (this.#connected && this.#inFlight.size < maxInFlight && this.#queue.length > 0)
      this.#send(this.#queue.shift()!)
    return minted
  }

  #mintOne(nowMs: number): Message {
    const { late, shuffled, random, windowMs, speed } = this.#settings
    const message = this.#mint.next()
    this.#ledger.issue(message)
    this.counts.issued++
    for (const held of this.#held) held.after--
    const chance = random()
    if (chance < late) {
      this.counts.late++
      const delayMs = ((1 + random() * longestLateWindows) * windowMs) / speed
      this.#planned.push({ message, dueMs: nowMs + delayMs })
    } else if (chance < late + shuffled) {
      this.counts.shuffled++
      this.#held.push({ message, after: 1 + Math.floor(random() * longestShuffle) })
    } else this.#queue.push(message)
    return message
  }

  #release(nowMs: number): void {
    for (let at = this.#held.length - 1; at >= 0; at--) {
      if (this.#held[at]!.after <= 0) this.#queue.push(this.#held.splice(at, 1)[0]!.message)
    }
    for (let at = this.#planned.length - 1; at >= 0; at--) {
      if (this.#planned[at]!.dueMs <= nowMs) this.#queue.push(this.#planned.splice(at, 1)[0]!.message)
    }
  }

  #connect(): void {
    const { url, site, device } = this.#settings
    const client = mqtt.connect(url, {
      clientId: `oracle-${site}-${device}`,
      ...{ clean: true, reconnectPeriod: 0, connectTimeout: 4_000, keepalive: 4 },
    })
    this.#client = client
    client.on('error', () => undefined)
    client.on('connect', () => {
      this.#connected = true
    })
    client.once('close', () => {
      this.#connected = false
      client.end(true)
      // What was on the way may have been taken or not: it goes first, in its old order.
      this.#queue.unshift(...this.#inFlight.values())
      this.#inFlight.clear()
      setTimeout(() => {
        this.#client = undefined
      }, reconnectMs).unref()
    })
  }

  #send(message: Message): void {
    const client = this.#client!
    const { site, device } = this.#settings
    if (this.#sent.has(message.id)) {
      if (!this.#acked.has(message.id)) this.counts.repeats++
    } else this.#sent.add(message.id)
    this.#inFlight.set(message.id, message)
    client.publish(`telemetry/${site}/${device}`, payloadOf(message), { qos: 1 }, (error) => {
      if (error || client !== this.#client || !this.#connected) return
      if (this.#inFlight.delete(message.id)) this.#acknowledged(message)
    })
  }

  #acknowledged(message: Message): void {
    const { doubled, random, windowMs, speed } = this.#settings
    this.#ledger.acknowledge(message.id, Date.now())
    this.counts.acks++
    const first = !this.#acked.has(message.id)
    if (first) {
      this.#acked.add(message.id)
      this.counts.acked++
      if (this.#minting && random() < doubled) {
        this.counts.doubled++
        const dueMs = performance.now() + (random() * longestLateWindows * windowMs) / speed
        this.#planned.push({ message, dueMs })
      }
    }
    this.#events.acknowledged(message, first)
  }
}
