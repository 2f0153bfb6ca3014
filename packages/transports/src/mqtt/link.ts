import { type Logger, type Message, UnreachableError } from '@millrace/pipeline'
import type { IPublishPacket, MqttClient } from 'mqtt'
import type { CertificateState } from './certificate-watch.ts'
import { Connection } from './connection.ts'
import { Outstanding } from './outstanding.ts'
import type { MqttAddress } from './settings.ts'
import { topicMatches } from './topic-filter.ts'

const defaultMaxOutstanding = 1_000

export interface LinkOptions extends MqttAddress {
  clientId: string
  /** Default true: the broker forgets this client when it goes. */
  clean?: boolean
  /** Published by the broker when this client vanishes without a goodbye. */
  will?: Message
  /** QoS 1 messages on the way at once; more wait in order. Default 1,000. */
  maxOutstanding?: number
  keepaliveS?: number
  log?: Logger
}

/** A client of an MQTT broker that connects again by itself and sends again what was not acknowledged. */
export interface MqttLink {
  /** Begins to connect and resolves at once; a broker that cannot be reached is tried for ever. */
  start(): Promise<void>
  /**
   * QoS 1 (the default): resolves on PUBACK, however many connections that takes; rejects only on `stop`.
   * QoS 0: resolves once handed to the connection, rejects with UnreachableError where there is none.
   * `withdrawn` takes a QoS 1 message back, if there is no connection; then it rejects.
   */
  publish(message: Message, withdrawn?: AbortSignal): Promise<void>
  /** Holds for this and every later connection; QoS 1. `onMessage` must not throw. */
  subscribe(filters: readonly string[], onMessage: (message: Message) => void): void
  /** Called on each connection, after its subscriptions were granted. */
  onConnect(callback: () => void): void
  onLost(callback: () => void): void
  readonly connected: boolean
  /** Messages without a PUBACK. */
  readonly outstanding: number
  /** Why the last try failed; null while connected. */
  readonly lastError: string | null
  /** The certificate that this side shows, if it has one. */
  readonly certificates: readonly CertificateState[]
  /** Says goodbye (no will is sent); publishes still outstanding reject. Safe without start and twice. */
  stop(): Promise<void>
}

export function createMqttLink(options: LinkOptions): MqttLink {
  return new Link(options)
}

interface Subscription {
  filters: readonly string[]
  onMessage: (message: Message) => void
}

class Link implements MqttLink {
  readonly #connection: Connection
  readonly #outstanding: Outstanding
  readonly #subscriptions: Subscription[] = []
  readonly #connectListeners: (() => void)[] = []
  readonly #lostListeners: (() => void)[] = []
  readonly #log: Logger | undefined
  #stopped = false

  constructor({ clean = true, will, maxOutstanding = defaultMaxOutstanding, ...options }: LinkOptions) {
    this.#log = options.log
    this.#outstanding = new Outstanding(maxOutstanding)
    const willOptions = will && {
      will: { topic: will.topic, payload: Buffer.from(will.body), qos: will.qos ?? 1, retain: will.retain ?? false },
    }
    this.#connection = new Connection(
      { ...options, ...willOptions, clean },
      {
        opened: (client) =>
          client.on('message', (topic, body, packet: IPublishPacket) =>
            this.#receive({ topic, body, ...flags(packet) }),
          ),
        connected: (client) => this.#onConnected(client),
        lost: () => {
          this.#outstanding.lost()
          for (const listener of this.#lostListeners) listener()
        },
      },
    )
  }

  get connected(): boolean {
    return this.#connection.client !== undefined
  }

  get outstanding(): number {
    return this.#outstanding.size
  }

  get lastError(): string | null {
    return this.#connection.lastError
  }

  get certificates(): readonly CertificateState[] {
    return this.#connection.certificates
  }

  start(): Promise<void> {
    return this.#connection.start()
  }

  publish(message: Message, withdrawn?: AbortSignal): Promise<void> {
    if (this.#stopped) return Promise.reject(new UnreachableError('the link has been stopped'))
    if (message.qos !== 0) return this.#outstanding.add(message, withdrawn)
    const client = this.#connection.client
    if (!client) return Promise.reject(new UnreachableError('not connected, and QoS 0 is never kept'))
    return new Promise((resolve, reject) => {
      const { topic, body, retain = false } = message
      const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
      client.publish(topic, payload, { qos: 0, retain }, (error) => (error ? reject(error) : resolve()))
    })
  }

  subscribe(filters: readonly string[], onMessage: (message: Message) => void): void {
    this.#subscriptions.push({ filters, onMessage })
    const client = this.#connection.client
    if (client) this.#request(client, filters, () => undefined)
  }

  onConnect(callback: () => void): void {
    this.#connectListeners.push(callback)
  }

  onLost(callback: () => void): void {
    this.#lostListeners.push(callback)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#connection.stop()
    this.#outstanding.abandon(new UnreachableError('the link was stopped before the broker acknowledged'))
  }

  #onConnected(client: MqttClient): void {
    const filters = this.#subscriptions.flatMap((subscription) => subscription.filters)
    const announce = (): void => {
      if (this.#connection.client !== client) return
      for (const listener of this.#connectListeners) listener()
    }
    if (filters.length > 0) this.#request(client, filters, announce)
    this.#outstanding.connected(client)
    if (filters.length === 0) announce()
  }

  /** A refused filter is logged and the others stand; a lost connection asks again when it is back. */
  #request(client: MqttClient, filters: readonly string[], done: () => void): void {
    client.subscribe([...filters], { qos: 1 }, (error) => {
      if (error && client.connected) this.#log?.warn({ reason: error.message, filters }, 'subscription refused')
      if (client.connected) done()
    })
  }

  #receive(message: Message): void {
    for (const { filters, onMessage } of this.#subscriptions) {
      if (filters.some((filter) => topicMatches(filter, message.topic))) onMessage(message)
    }
  }
}

function flags({ retain, qos }: IPublishPacket): Pick<Message, 'retain' | 'qos'> {
  return { retain, qos }
}
