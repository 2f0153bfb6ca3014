import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { listenError } from '@millrace/pipeline'
import { tlsOptions } from '../tls-options.ts'
import type { HubCore } from '../types.ts'
import { AmqpSide } from './amqp/amqp-side.ts'
import { Authority } from './authority.ts'
import { createRest } from './rest/rest-side.ts'
import { serveWebSockets, type Upgrade } from './web-sockets.ts'

export interface ServiceSideOptions {
  host: string
  /** AMQP without TLS, as `UseDevelopmentEmulator=true` in a connection string of Event Hubs asks for. Default 5672. */
  amqpPort?: number
  /** AMQP over TLS, as `azure-iothub` sends commands to devices. Default 5671. */
  amqpsPort?: number
  /** REST, and AMQP over WebSockets. Default 8443; the only port that `azure-iothub` calls is 443. */
  httpsPort?: number
  /** WebSockets of devices: upgrades that are not for AMQP. Without it they are refused. */
  onUpgrade?: Upgrade
}

export interface ServiceSide {
  amqpPort: number
  amqpsPort: number
  httpsPort: number
  /** Ends every connection; safe twice. */
  stop(): Promise<void>
}

interface Place {
  setting: string
  host: string
  port: number
}

/** Servers with the streams that came through them, so that none outlives its server. */
class Doors {
  readonly #open = new Map<Server, Set<Duplex>>()

  /** Resolves with the port. */
  async listen(server: Server, place: Place): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, place)))
      server.listen(place.port, place.host, resolve)
    })
    this.#follow(server)
    const address = server.address()
    return typeof address === 'object' && address ? address.port : place.port
  }

  async shut(): Promise<void> {
    const open = Array.from(this.#open)
    this.#open.clear()
    await Promise.all(
      open.map(async ([server, streams]) => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()))
        for (const stream of streams) stream.destroy()
        await closed
      }),
    )
  }

  #follow(server: Server): void {
    const streams = new Set<Duplex>()
    this.#open.set(server, streams)
    server.on('connection', (stream: Duplex) => {
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
      // A peer that goes away without a word is not our failure.
      stream.on('error', () => undefined)
    })
    server.on('secureConnection', (stream: Duplex) => stream.on('error', () => undefined))
  }
}

async function serveHttps(
  core: HubCore,
  options: ServiceSideOptions & { authority: Authority; amqp: AmqpSide; doors: Doors },
) {
  const { host, httpsPort = 8443, authority, amqp, doors } = options
  const server = createHttpsServer(tlsOptions(core.certificate))
  const rest = createRest(core, authority, server)
  serveWebSockets(server, (stream) => amqp.accept(stream), options.onUpgrade)
  await rest.ready()
  const port = await doors.listen(server, { setting: '--https-port', host, port: httpsPort })
  return { port, close: () => rest.close() }
}

/** Serves what services speak to a hub: AMQP for events, commands and feedback, REST for everything else. */
export async function startServiceSide(core: HubCore, options: ServiceSideOptions): Promise<ServiceSide> {
  const { host, amqpPort = 5672, amqpsPort = 5671 } = options
  const authority = new Authority(core)
  const amqp = new AmqpSide(core, authority)
  const doors = new Doors()
  const accept = (stream: Duplex) => amqp.accept(stream)
  const { cert, key } = core.certificate
  let closeRest = async () => {}
  const stop = async () => {
    amqp.stop()
    // What connections are told about it is written in the next turn.
    await nextTurn()
    await doors.shut()
    await closeRest()
  }
  try {
    const plain = await doors.listen(createServer(accept), { setting: '--amqp-port', host, port: amqpPort })
    const tls = createTlsServer({ cert, key }, accept)
    const secure = await doors.listen(tls, { setting: '--amqps-port', host, port: amqpsPort })
    const https = await serveHttps(core, { ...options, authority, amqp, doors })
    closeRest = async () => {
      await https.close()
    }
    return { amqpPort: plain, amqpsPort: secure, httpsPort: https.port, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
