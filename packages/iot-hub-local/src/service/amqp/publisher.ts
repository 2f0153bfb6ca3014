import type { EventLog, NewEvent } from '../../types.ts'
import { amqpError, refusal } from './conditions.ts'
import { batchFormat, type ReceivedMessage, received, receivedBatch } from './received-message.ts'
import type { AmqpError, Delivery, EventContext, Message, Receiver } from './rhea.ts'

/** Messages that may be on their way from one sender at a time. */
const credit = 100

/** What a link's messages are for; a rejection goes back to the sender as an AMQP error. */
export type Take = (messages: readonly ReceivedMessage[]) => Promise<void>

function decoded(context: EventContext): ReceivedMessage[] | AmqpError {
  const message = context.message as Message | Buffer | undefined
  try {
    if (Buffer.isBuffer(message)) {
      if (context.delivery?.format === batchFormat) return receivedBatch(message)
      return refusal('amqp:not-implemented', `message format ${context.delivery?.format} is not known`)
    }
    return message ? [received(message)] : []
  } catch {
    return refusal('amqp:decode-error', 'the message is not AMQP 1.0')
  }
}

async function settle(context: EventContext & { delivery: Delivery }, take: Take): Promise<void> {
  const messages = decoded(context)
  if (!Array.isArray(messages)) return context.delivery.reject(messages)
  try {
    await take(messages)
    context.delivery.accept()
  } catch (error) {
    context.delivery.reject(amqpError(error))
  }
}

/** Gives every message of a link to `take`, and its verdict back; a sender's unsettled messages are bounded by credit. */
export function receiveInto(receiver: Receiver, take: Take): void {
  receiver.on('message', (context: EventContext) => {
    const { delivery } = context
    if (!delivery) return
    settle({ ...context, delivery }, take)
      .catch(() => undefined)
      .finally(() => receiver.add_credit(1))
  })
  receiver.add_credit(credit)
}

function partitionOf(message: ReceivedMessage, fixed: number | undefined, turn: number): NewEvent['partition'] {
  if (fixed !== undefined) return { number: fixed }
  return message.partitionKey === undefined ? { number: turn } : { key: message.partitionKey }
}

/** Appends to an event hub: to the link's partition, by the messages' key, or in turn. A batch stays together. */
export function appendTo(log: EventLog, fixed: number | undefined): Take {
  let turn = 0
  return async (messages) => {
    turn = (turn + 1) % log.partitions
    await log.append(
      messages.map((message) => ({
        partition: partitionOf(message, fixed, turn),
        body: message.body,
        properties: message.properties,
        annotations: message.annotations,
        message: message.message,
      })),
    )
  }
}
