import { cloudTopic, parseCloudTopic, receiptSchema } from '@millrace/contracts'
import { definePlugin, type Logger, type Message } from '@millrace/pipeline'
import { createMqttLink, type MqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import type { Outgoing, Uplink, UplinkContext, UplinkHandlers } from './uplink.ts'

/** Messages over a plain MQTT broker: its PUBACK ends no duty, only receipts do. */
export const mqttUplink = definePlugin({
  type: 'mqtt',
  settings: mqttSettings,
  create(settings, context: UplinkContext): Uplink {
    const { agent, will, log } = context
    const link = createMqttLink({ ...readMqttAddress(settings), clientId: `millrace-agent-${agent}`, will, log })
    return new MqttUplink(link, agent, log)
  },
})

class MqttUplink implements Uplink {
  readonly custody = 'receipt'
  readonly #link: MqttLink
  readonly #agent: string
  readonly #log: Logger

  constructor(link: MqttLink, agent: string, log: Logger) {
    this.#link = link
    this.#agent = agent
    this.#log = log
  }

  get connected(): boolean {
    return this.#link.connected
  }

  get lastError(): string | null {
    return this.#link.lastError
  }

  get certificates() {
    return this.#link.certificates
  }

  async start(handlers: UplinkHandlers): Promise<void> {
    const receipts = cloudTopic({ site: '+', agent: this.#agent, kind: 'receipt' })
    this.#link.subscribe([receipts], (message) => this.#receive(message, handlers))
    this.#link.onConnect(() => handlers.onConnect())
    await this.#link.start()
  }

  send(message: Outgoing, withdrawn?: AbortSignal): Promise<void> {
    return this.#link.publish({ ...this.#addressed(message), qos: 1 }, withdrawn)
  }

  offer(message: Outgoing): void {
    if (!this.#link.connected) return
    // The connection may end meanwhile; the next second brings newer ones.
    this.#link.publish({ ...this.#addressed(message), qos: 0 }).catch(() => undefined)
  }

  stop(): Promise<void> {
    return this.#link.stop()
  }

  #addressed({ site, kind, body, retain = false }: Outgoing): Message {
    return { topic: cloudTopic({ site, agent: this.#agent, kind }), body, retain }
  }

  #receive({ topic, body }: Message, handlers: UplinkHandlers): void {
    const address = parseCloudTopic(topic)
    const receipt = receiptSchema.safeParse(parseJson(body))
    if (address && receipt.success) handlers.onReceipt(address.site, receipt.data)
    else this.#log.warn({ topic }, 'ignored a receipt that is none')
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
