const pubackBytes = 4

/** What one delivery owes its broker: the message ids of its QoS 1 messages, in order of arrival. */
export interface Owed {
  messageIds: number[]
  ready: boolean
}

/** PUBACKs of a group as one buffer. */
function encode(messageIds: readonly number[]): Buffer {
  const buffer = Buffer.alloc(messageIds.length * pubackBytes)
  for (const [index, id] of messageIds.entries()) {
    buffer.writeUInt16BE(0x4002, index * pubackBytes)
    buffer.writeUInt16BE(id, index * pubackBytes + 2)
  }
  return buffer
}

/** The acknowledgements of one connection, written in the order in which its messages arrived, as MQTT demands. */
export class Pubacks {
  readonly #write: (bytes: Buffer) => void
  readonly #owed: Owed[] = []

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  expect(messageIds: number[]): Owed {
    const owed = { messageIds, ready: false }
    this.#owed.push(owed)
    return owed
  }

  settle(owed: Owed): void {
    owed.ready = true
    const ids: number[] = []
    while (this.#owed[0]?.ready) ids.push(...this.#owed.shift()!.messageIds)
    if (ids.length > 0) this.#write(encode(ids))
  }
}
