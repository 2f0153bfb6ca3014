import type { Commands, Feedback } from '../../types.ts'
import { codec, type Message, type Sender, types } from './rhea.ts'

const maxRecords = 64
const contentType = 'application/vnd.microsoft.iothub.feedback.json'

function record({ originalMessageId, deviceId, deviceGenerationId, outcome, atMs }: Feedback) {
  return {
    originalMessageId,
    description: outcome,
    deviceGenerationId,
    deviceId,
    enqueuedTimeUtc: new Date(atMs).toISOString(),
    statusCode: outcome,
  }
}

function batchMessage(records: readonly Feedback[], hubName: string): Message {
  const message = {
    message_id: `feedback-${records[0]!.id}`,
    user_id: Buffer.from(hubName),
    content_type: contentType,
    content_encoding: 'utf-8',
    message_annotations: { 'iothub-enqueuedtime': types.wrap_timestamp(records.at(-1)!.atMs) },
    body: codec.data_section(Buffer.from(JSON.stringify(records.map(record)))),
  }
  return message as unknown as Message
}

/**
 * Gives the outcomes of cloud-to-device messages to those who listen for them: one batch at a time, gone when one of
 * them has accepted it, given again when it was released or its link ended.
 */
export class FeedbackSender {
  readonly #commands: Commands
  readonly #hubName: string
  readonly #listeners: Sender[] = []
  readonly #forget: () => void
  #outstanding: { link: Sender; upTo: number } | undefined
  #looking = false

  constructor(commands: Commands, hubName: string) {
    this.#commands = commands
    this.#hubName = hubName
    this.#forget = commands.onFeedback(() => this.#look())
  }

  add(link: Sender): void {
    this.#listeners.push(link)
    link.on('sendable', () => this.#look())
    link.on('accepted', () => this.#accepted(link))
    for (const event of ['released', 'rejected']) link.on(event, () => this.#givenBack(link))
    this.#look()
  }

  remove(link: Sender): void {
    const at = this.#listeners.indexOf(link)
    if (at >= 0) this.#listeners.splice(at, 1)
    this.#givenBack(link)
  }

  stop(): void {
    this.#forget()
    this.#listeners.length = 0
  }

  #givenBack(link: Sender): void {
    if (this.#outstanding?.link !== link) return
    this.#outstanding = undefined
    this.#look()
  }

  #accepted(link: Sender): void {
    if (this.#outstanding?.link !== link) return
    this.#commands
      .settle(this.#outstanding.upTo)
      .catch(() => undefined)
      .finally(() => this.#givenBack(link))
  }

  #look(): void {
    if (this.#looking || this.#outstanding) return
    this.#looking = true
    this.#give()
      .catch(() => undefined)
      .finally(() => {
        this.#looking = false
      })
  }

  async #give(): Promise<void> {
    if (!this.#listeners.some((link) => link.sendable())) return
    const records = await this.#commands.feedback(maxRecords)
    const link = this.#listeners.find((listener) => listener.sendable())
    if (!link || records.length === 0) return
    this.#outstanding = { link, upTo: records.at(-1)!.id }
    link.send(batchMessage(records, this.#hubName))
  }
}
