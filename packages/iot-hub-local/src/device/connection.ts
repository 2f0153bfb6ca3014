import type { Duplex } from 'node:stream'
import type { Clock } from '@millrace/pipeline'
import mqttPacket, {
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type IUnsubscribePacket,
  type Packet,
} from 'mqtt-packet'
import type { Peer } from './authenticate.ts'

/** 256 KB, the longest topic, and what MQTT puts around them. */
const maxPacketBytes = 256 * 1024 + 65_535 + 16
const maxPendingBytes = 4 * 1024 * 1024
const maxPending = 2_000
const connectWithinMs = 20_000
const maxKeepAliveMs = 1_767_000
export const refusedFilter = 0x80

/** What speaks through a connection once it is accepted. */
export interface Client {
  /** For the log. */
  readonly name: string
  /** PUBACK goes out when it resolved, in order of arrival; a rejection ends the connection with its message. */
  publish(packet: IPublishPacket): Promise<void>
  /** The QoS granted, or 0x80. */
  subscribe(filter: string, qos: number): Promise<number>
  unsubscribe(filter: string): Promise<void>
  /** After SUBACK. */
  subscribed(): void
  acknowledged(messageId: number): void
  /** Once, when the connection is over; `graceful` after a DISCONNECT. */
  closed(graceful: boolean): void
  expiresMs: number
}

export type Admission =
  | { accepted: true; client: Client; sessionPresent: boolean; ready(): void }
  | { accepted: false; returnCode: number; reason: string }

export interface ConnectionOptions {
  peer: Peer
  clock: Clock
  /** At once: a device may send on without waiting for CONNACK. */
  admit(packet: IConnectPacket, connection: Connection): Admission
  onEnd(connection: Connection, end: End): void
}

export interface End {
  /** `left` by a DISCONNECT, `refused` at CONNECT or for what it sent, else `lost`. */
  kind: 'left' | 'refused' | 'lost'
  reason: string
}

/** MQTT 3.1.1 on one stream: order, limits and time; what is published and subscribed is the client's affair. */
export class Connection {
  readonly peer: Peer
  readonly #stream: Duplex
  readonly #options: ConnectionOptions
  readonly #parser = mqttPacket.parser({ protocolVersion: 4 })
  #client: Client | undefined
  #keepAliveMs = connectWithinMs
  #heardMs: number
  #pendingBytes = 0
  #pending = 0
  #pauses = 0
  #acknowledgements: Promise<void> = Promise.resolve()
  #ended = false

  constructor(stream: Duplex, options: ConnectionOptions) {
    this.peer = options.peer
    this.#stream = stream
    this.#options = options
    this.#heardMs = options.clock.monotonic()
    this.#parser.on('packet', (packet) => this.#guard(() => this.#receive(packet)))
    this.#parser.on('error', (error: Error) => this.end(`not MQTT: ${error.message}`))
    stream.on('data', (chunk: Buffer) => this.#read(chunk))
    stream.on('error', (error) => this.end(error.message, 'lost'))
    stream.on('end', () => this.end('the device ended the connection without a DISCONNECT', 'lost'))
    stream.on('close', () => this.end('the connection was lost', 'lost'))
  }

  send(packet: Packet): void {
    if (!this.#ended) this.#stream.write(mqttPacket.generate(packet))
  }

  /** Safe twice. */
  end(reason: string, kind: End['kind'] = 'refused'): void {
    if (this.#ended) return
    this.#ended = true
    this.#client?.closed(kind === 'left')
    this.#options.onEnd(this, { kind, reason: this.#client ? `${this.#client.name}: ${reason}` : reason })
    this.#stream.end()
    // What was said is sent, but who does not read it is not waited for.
    setTimeout(() => this.#stream.destroy(), 1_000).unref()
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Ends the connection whose time is over; called now and then. */
  check(): void {
    const { clock } = this.#options
    if (clock.monotonic() - this.#heardMs > this.#keepAliveMs) {
      this.end(this.#client ? 'nothing was heard for 1.5 times the keep-alive' : 'no CONNECT came', 'lost')
    } else if (this.#client && this.#client.expiresMs <= clock.now()) this.end('the token has expired', 'lost')
  }

  /** Reads nothing more for a while: how the hub slows a device down. */
  async slowDown(ms: number): Promise<void> {
    this.#pause()
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#resume()
  }

  #read(chunk: Buffer): void {
    this.#heardMs = this.#options.clock.monotonic()
    if (this.#ended) return
    try {
      // What parse returns is what it holds of an unfinished packet.
      if (this.#parser.parse(chunk) > maxPacketBytes) this.end('a packet is larger than a message may be')
    } catch (error) {
      this.end(`not MQTT: ${error instanceof Error ? error.message : error}`)
    }
  }

  #guard(action: () => Promise<void>): void {
    if (this.#ended) return
    action().catch((error: unknown) => this.end(error instanceof Error ? error.message : String(error)))
  }

  async #receive(packet: Packet): Promise<void> {
    if (this.#client) await this.#serve(this.#client, packet)
    else if (packet.cmd === 'connect') this.#connect(packet)
    else this.end('the first packet was no CONNECT')
  }

  async #serve(client: Client, packet: Packet): Promise<void> {
    if (packet.cmd === 'publish') await this.#publish(client, packet)
    else if (packet.cmd === 'puback') client.acknowledged(packet.messageId!)
    else if (packet.cmd === 'pingreq') this.send({ cmd: 'pingresp' })
    else if (packet.cmd === 'subscribe') await this.#subscribe(client, packet)
    else if (packet.cmd === 'unsubscribe') await this.#unsubscribe(client, packet)
    else if (packet.cmd === 'disconnect') this.end('disconnected', 'left')
    else this.end(`a device may not send ${packet.cmd} here`)
  }

  #connect(packet: IConnectPacket): void {
    const admission = this.#options.admit(packet, this)
    if (admission.accepted) this.#accept(admission, packet.keepalive || maxKeepAliveMs)
    else {
      this.send({ cmd: 'connack', returnCode: admission.returnCode, sessionPresent: false })
      this.end(admission.reason)
    }
  }

  #accept({ client, sessionPresent, ready }: Admission & { accepted: true }, keepAliveS: number): void {
    this.#client = client
    this.#keepAliveMs = Math.min(keepAliveS * 1500, maxKeepAliveMs)
    this.send({ cmd: 'connack', returnCode: 0, sessionPresent })
    ready()
  }

  async #publish(client: Client, packet: IPublishPacket): Promise<void> {
    if (packet.qos === 2) return this.end('QoS 2 is not supported')
    this.#count(1, packet.payload.length)
    const done = client.publish(packet)
    const acknowledged = Promise.all([this.#acknowledgements, done]).then(() => {
      this.#count(-1, -packet.payload.length)
      if (packet.qos === 1) this.send({ cmd: 'puback', messageId: packet.messageId! })
    })
    this.#acknowledgements = acknowledged
    await acknowledged
  }

  async #subscribe(client: Client, { subscriptions, messageId }: ISubscribePacket): Promise<void> {
    const granted = await Promise.all(subscriptions.map(({ topic, qos }) => client.subscribe(topic, qos)))
    this.send({ cmd: 'suback', messageId: messageId!, granted })
    client.subscribed()
  }

  async #unsubscribe(client: Client, { unsubscriptions, messageId }: IUnsubscribePacket): Promise<void> {
    for (const filter of unsubscriptions) await client.unsubscribe(filter)
    this.send({ cmd: 'unsuback', messageId: messageId!, granted: [] })
  }

  #count(messages: number, bytes: number): void {
    const before = this.#isFull()
    this.#pending += messages
    this.#pendingBytes += bytes
    if (!before && this.#isFull()) this.#pause()
    if (before && !this.#isFull()) this.#resume()
  }

  #isFull(): boolean {
    return this.#pending > maxPending || this.#pendingBytes > maxPendingBytes
  }

  #pause(): void {
    if (this.#pauses++ === 0) this.#stream.pause()
  }

  #resume(): void {
    if (--this.#pauses === 0) this.#stream.resume()
  }
}
