import type { DiskCommands, QueuedCommand } from '../core/commands.ts'
import { formatBag, joinBag } from '../property-bag.ts'
import type { Connection } from './connection.ts'
import { commandsTopic } from './topics.ts'

const maxMessageId = 65_535

function topicOf(deviceId: string, { message, properties, feedback }: QueuedCommand): string {
  const to = `/devices/${deviceId}/messages/devicebound`
  const bag = joinBag({ message: { to, ...message }, properties })
  if (feedback !== 'none') bag.set('iothub-ack', feedback)
  return `${commandsTopic(deviceId)}${formatBag(bag)}`
}

/** The queue of a device on one connection: in order, each until its PUBACK, all again on the next connection. */
export class CommandDelivery {
  readonly #deviceId: string
  readonly #connection: Connection
  readonly #commands: DiskCommands
  readonly #sent = new Map<number, QueuedCommand>()
  #messageId = 0
  #delivering = false
  #again = false

  constructor(deviceId: string, connection: Connection, commands: DiskCommands) {
    this.#deviceId = deviceId
    this.#connection = connection
    this.#commands = commands
  }

  deliver(qos: 0 | 1): void {
    this.#again = true
    if (this.#delivering) return
    this.#delivering = true
    this.#deliverAll(qos)
      .catch((error: unknown) => this.#connection.end(`a message could not be delivered: ${error}`))
      .finally(() => {
        this.#delivering = false
      })
  }

  acknowledged(messageId: number): void {
    const command = this.#sent.get(messageId)
    if (!command) return
    this.#sent.delete(messageId)
    this.#complete(command)
  }

  async #deliverAll(qos: 0 | 1): Promise<void> {
    while (this.#again) {
      this.#again = false
      const under = new Set(this.#sent.values())
      for (const command of await this.#commands.queued(this.#deviceId)) {
        if (this.#connection.ended) return
        if (!under.has(command)) await this.#deliverOne(command, qos)
      }
    }
  }

  async #deliverOne(command: QueuedCommand, qos: 0 | 1): Promise<void> {
    await this.#commands.delivering(command)
    const messageId = (this.#messageId % maxMessageId) + 1
    this.#messageId = messageId
    const topic = topicOf(this.#deviceId, command)
    const payload = Buffer.from(command.body)
    const packet = { cmd: 'publish', topic, payload, qos, dup: command.deliveries > 1, retain: false } as const
    if (qos === 1) this.#sent.set(messageId, command)
    this.#connection.send(qos === 1 ? { ...packet, messageId } : packet)
    if (qos === 0) this.#complete(command)
  }

  #complete(command: QueuedCommand): void {
    this.#commands.complete(this.#deviceId, command).catch((error: unknown) => this.#connection.end(String(error)))
  }
}
