import { type Delivery, definePlugin, type Message, type Source, type SourceState } from '@millrace/pipeline'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { z } from 'zod'
import type { TransportContext } from '../context.ts'
import { Connection } from './connection.ts'
import { heldBytes, heldBytesOfAll } from './held-bytes.ts'
import { Pubacks } from './pubacks.ts'
import { Refusal } from './refusal.ts'
import { mqttSettings, readMqttAddress } from './settings.ts'

const settings = mqttSettings.extend({
  /** Names the session that the broker keeps while the agent is away; default: the agent's name. */
  clientId: z.string().min(1).max(64).optional(),
  /** Those of the decoders are subscribed to as well. */
  topics: z.array(z.string().min(1).max(256)).min(1).default(['telemetry/#']),
  /** Memory for what waits for the acknowledgement; beyond that nothing more is read from the broker. */
  maxHeldBytes: z
    .int()
    .positive()
    .default(64 * 1024 * 1024),
})
type Settings = z.output<typeof settings>

/** A client of a foreign broker with a lasting session: a message is acknowledged when the delivery that holds it is. */
export const mqttSource = definePlugin({
  type: 'mqtt',
  settings,
  create: (options: Settings, context: TransportContext): Source => new MqttSource(options, context),
})

interface Group {
  messages: Message[]
  arrivals: number[]
  messageIds: number[]
}

const emptyGroup = (): Group => ({ messages: [], arrivals: [], messageIds: [] })

/** Makes MQTT.js go on with the next packet without sending its own PUBACK. */
const acknowledgedLater = new Error('acknowledged later')

class MqttSource implements Source {
  readonly #settings: Settings
  readonly #context: TransportContext
  readonly #refusal = new Refusal()
  #connection: Connection | undefined
  #receive: ((delivery: Delivery) => void) | undefined
  #group = emptyGroup()
  #pubacks: Pubacks | undefined
  #heldBytes = 0
  #readOn: (() => void) | undefined

  constructor(options: Settings, context: TransportContext) {
    this.#settings = options
    this.#context = context
  }

  async start(receive: (delivery: Delivery) => void): Promise<void> {
    const { clientId = this.#context.clientId ?? 'millrace-agent' } = this.#settings
    const { log } = this.#context
    this.#receive = receive
    this.#connection = new Connection(
      { ...readMqttAddress(this.#settings), clientId, clean: false, log },
      {
        opened: (client) => this.#opened(client),
        connected: (client) => this.#subscribe(client),
        lost: () => this.#lost(),
      },
    )
    await this.#connection.start()
  }

  async stop(): Promise<void> {
    this.#receive = undefined
    this.#lost()
    await this.#connection?.stop()
  }

  state(): SourceState {
    return { certificates: this.#connection?.certificates ?? [] }
  }

  hears(): boolean {
    return this.#connection?.client !== undefined
  }

  #opened(client: MqttClient): void {
    const pubacks = new Pubacks((bytes) => void client.stream.write(bytes))
    this.#pubacks = pubacks
    client.handleMessage = (packet, done) => {
      // A superseded connection's messages come again on the present one.
      if (pubacks !== this.#pubacks || !this.#receive) return
      this.#take(packet as IPublishPacket)
      const go = (): void => done(packet.qos === 1 ? acknowledgedLater : undefined)
      if (this.#heldBytes > this.#settings.maxHeldBytes) this.#readOn = go
      else go()
    }
  }

  #subscribe(client: MqttClient): void {
    const topics = [...new Set([...this.#settings.topics, ...(this.#context.topics ?? [])])]
    client.subscribe(topics, { qos: 1 }, (error) => {
      if (!client.connected) return
      if (error) this.#context.log.warn({ reason: error.message, topics }, 'subscription refused')
      else this.#context.log.info({ topics }, 'subscribed')
    })
  }

  /** What was not acknowledged on an ended connection is the broker's again; what was handed on is held until it is settled. */
  #lost(): void {
    this.#heldBytes -= heldBytesOfAll(this.#group.messages)
    this.#group = emptyGroup()
    this.#pubacks = undefined
    this.#readOn = undefined
  }

  #take({ topic, payload, qos, retain, messageId }: IPublishPacket): void {
    const group = this.#group
    const body = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (group.messages.length === 0) setImmediate(() => this.#flush(group))
    const message = { topic, body, qos, retain }
    group.messages.push(message)
    group.arrivals.push(this.#context.clock.monotonic())
    if (qos === 1 && messageId !== undefined) group.messageIds.push(messageId)
    this.#heldBytes += heldBytes(message)
  }

  #flush(group: Group): void {
    const pubacks = this.#pubacks
    if (group !== this.#group || !pubacks || !this.#receive) return
    this.#group = emptyGroup()
    const owed = pubacks.expect(group.messageIds)
    const release = once(() => this.#release(heldBytesOfAll(group.messages)))
    this.#receive({
      messages: group.messages,
      arrivals: Float64Array.from(group.arrivals),
      ack: () => {
        if (pubacks === this.#pubacks && !owed.ready) {
          pubacks.settle(owed)
          this.#refusal.accepted()
        }
        release()
      },
      refuse: (reason) => {
        if (pubacks !== this.#pubacks || owed.ready) return release()
        // Nothing more is read of a connection that ends.
        this.#readOn = undefined
        release()
        this.#context.log.warn({ reason }, 'deliveries refused, leaving the broker for a while')
        this.#connection?.drop(this.#refusal.begin())
      },
    })
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes
    const readOn = this.#readOn
    if (!readOn || this.#heldBytes > this.#settings.maxHeldBytes) return
    this.#readOn = undefined
    readOn()
  }
}

function once(act: () => void): () => void {
  let done = false
  return () => {
    if (!done) act()
    done = true
  }
}
