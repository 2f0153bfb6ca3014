import type { Duplex } from 'node:stream'
import type { HubCore } from '../../types.ts'
import type { Authority } from '../authority.ts'
import { FeedbackSender } from './feedback.ts'
import { ReaderPlaces } from './reader-places.ts'
import { ServiceConnection } from './service-connection.ts'

const checkEveryMs = 1000

/** Speaks AMQP 1.0 over whatever stream of bytes it is given: TCP, TLS or a WebSocket. */
export class AmqpSide {
  readonly #connections = new Set<ServiceConnection>()
  readonly #context
  readonly #timer: NodeJS.Timeout

  constructor(core: HubCore, authority: Authority) {
    const feedback = new FeedbackSender(core.commands, core.name)
    this.#context = { core, authority, places: new ReaderPlaces(), feedback }
    this.#timer = setInterval(() => {
      for (const connection of this.#connections) connection.checkClaims()
    }, checkEveryMs).unref()
  }

  accept(stream: Duplex): void {
    const connection = new ServiceConnection(stream, this.#context)
    this.#connections.add(connection)
    stream.once('close', () => this.#connections.delete(connection))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#context.feedback.stop()
    for (const connection of Array.from(this.#connections)) connection.close()
  }
}
