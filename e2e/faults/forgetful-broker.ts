import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Aedes } from 'aedes'

export interface ForgetfulBroker {
  port: number
  /** Messages it acknowledged and gave to nobody. */
  readonly forgotten: number
  /** From now on nothing is forgotten. */
  remember(): void
  /** Ends every connection, and forgets every session and retained message with it, as a restart without a disk does. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** A broker that answers each publish with a PUBACK and loses a share of what agents send in their spools' name. */
export async function startForgetfulBroker(share: number, random: () => number): Promise<ForgetfulBroker> {
  let forgotten = 0
  let forgets = true
  const make = () =>
    Aedes.createBroker({
      authorizeForward(_client, packet) {
        const spooled = packet.topic.startsWith('millrace/') && /\/(summaries|receipt)$/.test(packet.topic)
        if (!(forgets && spooled && random() < share)) return packet
        forgotten++
        return null
      },
    })
  let broker = await make()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    broker.handle(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endAll = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => broker.close(() => resolve()))
  }
  return {
    port: (server.address() as AddressInfo).port,
    get forgotten() {
      return forgotten
    },
    remember() {
      forgets = false
    },
    async restart() {
      const old = endAll()
      broker = await make()
      await old
    },
    async close() {
      await endAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
