import { HubError } from '../../hub-error.ts'
import { decodePercent } from '../../sas.ts'
import type { Commands, FeedbackWanted, NewCommand } from '../../types.ts'
import type { Take } from './publisher.ts'
import type { ReceivedMessage } from './received-message.ts'

const target = /^\/?devices\/([^/]+)\/messages\/devicebound$/i
const feedbacks: readonly string[] = ['none', 'positive', 'negative', 'full']

function deviceOf(to: string | undefined): string {
  const id = decodePercent(target.exec(to ?? '')?.[1] ?? '')
  if (id) return id
  throw new HubError('ArgumentInvalid', `'to' must be /devices/{id}/messages/devicebound, not '${to ?? ''}'`)
}

function commandOf({ body, properties, message }: ReceivedMessage): NewCommand {
  const { 'iothub-ack': ack = 'none', ...rest } = properties
  if (!feedbacks.includes(String(ack))) throw new HubError('ArgumentInvalid', `iothub-ack cannot be '${String(ack)}'`)
  return { body, properties: rest, message, feedback: ack as FeedbackWanted }
}

/** Takes cloud-to-device messages. */
export function sendToDevices(commands: Pick<Commands, 'send'>): Take {
  return async (messages) => {
    for (const message of messages) await commands.send(deviceOf(message.message.to), commandOf(message))
  }
}
