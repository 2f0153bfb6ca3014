import { createServer, type Server, type Socket } from 'node:net'
import { type Broker, createBroker, createMqttLink, type MqttLink } from '@millrace/transports'
import type { Behaviour, Received } from './far-side.ts'

/** A real broker with a client that hears everything. Hanging is a port that takes connections and says nothing. */
export class MqttFarSide {
  readonly received: (Received & { topic: string; retain: boolean })[] = []
  #broker: Broker | undefined
  #listener: MqttLink | undefined
  #mute: { server: Server; sockets: Set<Socket> } | undefined
  port = 0

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`
  }

  async up(): Promise<void> {
    this.#broker = await createBroker({ host: '127.0.0.1', port: this.port })
    this.port = (await this.#broker.listen()).port
    const listener = createMqttLink({ url: this.url, clientId: `far-side-${this.port}-${this.received.length}` })
    listener.subscribe(['#'], ({ topic, body, retain = false }) => {
      this.received.push({ topic, retain, text: Buffer.from(body).toString() })
    })
    const listening = new Promise<void>((resolve) => listener.onConnect(resolve))
    await listener.start()
    await listening
    this.#listener = listener
  }

  async behave(how: Behaviour): Promise<void> {
    if (how !== 'hangs') throw new Error('a broker takes what it is sent')
    await this.down()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
    })
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.#mute = { server, sockets }
  }

  async down(): Promise<void> {
    await this.#listener?.stop()
    await this.#broker?.close()
    this.#broker = undefined
    const mute = this.#mute
    this.#mute = undefined
    if (!mute) return
    for (const socket of mute.sockets) socket.destroy()
    await new Promise((resolve) => mute.server.close(resolve))
  }

  close(): Promise<void> {
    return this.down()
  }
}
