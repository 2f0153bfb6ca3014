import { connect, createServer, type Server, type Socket } from 'node:net'

const host = '127.0.0.1'

/** A cable between the agent and the cloud broker that can be pulled. */
export class Relay {
  readonly #targetPort: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #connected = true

  constructor(targetPort: number) {
    this.#targetPort = targetPort
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#join(socket))
  }

  get connected(): boolean {
    return this.#connected
  }

  /** The port to connect to. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port: 0 }, () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      })
    })
  }

  /** Ends every connection, and every new one at once, until it is restored. */
  set connected(connected: boolean) {
    this.#connected = connected
    if (!connected) for (const socket of this.#sockets) socket.destroy()
  }

  #join(near: Socket): void {
    if (!this.#connected) {
      near.destroy()
      return
    }
    const far = connect({ host, port: this.#targetPort, noDelay: true, allowHalfOpen: true })
    this.#hold(near, far)
    this.#hold(far, near)
    near.pipe(far)
    far.pipe(near)
  }

  #hold(socket: Socket, other: Socket): void {
    this.#sockets.add(socket)
    // A broken connection is what the relay is for; both ends see it and come again.
    socket.on('error', () => other.destroy())
    socket.on('close', () => {
      this.#sockets.delete(socket)
      other.destroy()
    })
  }

  async close(): Promise<void> {
    this.connected = false
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
