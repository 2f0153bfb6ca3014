import { cloudTopic, parseCloudTopic, receiptSchema } from '@millrace/contracts'
import { definePlugin, type Message } from '@millrace/pipeline'
import { createMqttLink, type MqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import { MqttSettings } from './mqtt-settings.ts'
import type { Outgoing, Uplink, UplinkContext, UplinkHandlers } from './uplink.ts'

/** Messages over a plain MQTT broker: its PUBACK ends no duty, only receipts do. */
export const mqttUplink = definePlugin({
  type: 'mqtt',
  settings: mqttSettings,
  create(settings, context: UplinkContext): Uplink {
    const { agent, will, log } = context
    const link = createMqttLink({ ...readMqttAddress(settings), clientId: `millrace-agent-${agent}`, will, log })
    return new MqttUplink(link, context)
  },
})

class MqttUplink implements Uplink {
  readonly custody = 'receipt'
  readonly #link: MqttLink
  readonly #context: UplinkContext
  #settings: MqttSettings | undefined

  constructor(link: MqttLink, context: UplinkContext) {
    this.#link = link
    this.#context = context
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
    const { agent, site, log, state } = this.#context
    const settings = new MqttSettings({ log, state, remote: () => handlers.remote })
    this.#settings = settings
    await settings.restore()
    this.#link.subscribe([cloudTopic({ site, agent, kind: 'config' })], ({ body }) => settings.receive(body))
    const receipts = cloudTopic({ site: '+', agent, kind: 'receipt' })
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

  wants() {
    return this.#settings?.wants
  }

  detail(): Record<string, unknown> {
    return this.#settings ? { settings: this.#settings.report } : {}
  }

  #addressed({ site, kind, body, retain = false }: Outgoing): Message {
    return { topic: cloudTopic({ site, agent: this.#context.agent, kind }), body, retain }
  }

  #receive({ topic, body }: Message, handlers: UplinkHandlers): void {
    const address = parseCloudTopic(topic)
    const receipt = receiptSchema.safeParse(parseJson(body))
    if (address && receipt.success) handlers.onReceipt(address.site, receipt.data)
    else this.#context.log.warn({ topic }, 'ignored a receipt that is none')
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
