import type { Message } from '@millrace/pipeline'

/** Objects, strings and places in lists; what small bodies cost is mostly this. */
const besideBody = 256

/** About what a message takes in memory while it waits. */
export function heldBytes({ topic, body }: Message): number {
  return body.length + topic.length + besideBody
}

export function heldBytesOfAll(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + heldBytes(message), 0)
}
