import { createServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { listenError } from '@millrace/pipeline'
import type { HubCore } from '../types.ts'
import { AmqpSide } from './amqp/amqp-side.ts'
import { Authority } from './authority.ts'

export interface ServiceSideOptions {
  host: string
  /** AMQP without TLS, as `UseDevelopmentEmulator=true` in a connection string of Event Hubs asks for. Default 5672. */
  amqpPort?: number
  /** AMQP over TLS, as `azure-iothub` sends commands to devices. Default 5671. */
  amqpsPort?: number
}

export interface ServiceSide {
  amqpPort: number
  amqpsPort: number
  stop(): Promise<void>
}

interface Door {
  server: Server
  setting: string
  port: number
}

async function listen({ server, setting, port }: Door, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, { setting, host, port })))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : port
}

/** Closes the door and whoever is still in it. */
async function shut(server: Server, sockets: ReadonlySet<Duplex>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const socket of sockets) socket.destroy()
  await closed
}

/** Serves what services speak to a hub: AMQP for events, commands and feedback. */
export async function startServiceSide(core: HubCore, options: ServiceSideOptions): Promise<ServiceSide> {
  const { host, amqpPort = 5672, amqpsPort = 5671 } = options
  const authority = new Authority(core)
  const amqp = new AmqpSide(core, authority)
  const sockets = new Set<Duplex>()
  const accept = (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    amqp.accept(socket)
  }
  const { cert, key } = core.certificate
  const doors: Door[] = [
    { server: createServer(accept), setting: '--amqp-port', port: amqpPort },
    { server: createTlsServer({ cert, key }, accept), setting: '--amqps-port', port: amqpsPort },
  ]
  const stop = async () => {
    amqp.stop()
    await nextTurn()
    await Promise.all(doors.filter(({ server }) => server.listening).map(({ server }) => shut(server, sockets)))
  }
  try {
    const [plain, tls] = [await listen(doors[0]!, host), await listen(doors[1]!, host)]
    return { amqpPort: plain, amqpsPort: tls, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
