import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import {
  type Clock,
  isLoopback,
  type Logger,
  listenError,
  type Message,
  silentLogger,
  systemClock,
  UsageError,
} from '@millrace/pipeline'
import type { Aedes } from 'aedes'
import { type Admission, createAdmission } from './admission.ts'
import { type BrokerLimits, brokerLimitsSchema } from './broker-limits.ts'
import { BrokerRules, type Denials } from './broker-rules.ts'
import type { Credentials } from './credentials.ts'
import { FrameGuard } from './frame-guard.ts'
import type { Gate } from './gate.ts'
import { SparingLog } from './sparing-log.ts'
import { refusedHandshake } from './tls.ts'

export interface BrokerTls {
  cert: Buffer
  key: Buffer
  /** Authorities of client certificates; a certified client is the device that its certificate names. */
  ca?: Buffer | undefined
  /** With `ca`: false lets clients without a certificate in too, on their credentials. Default true. */
  requireCertificate?: boolean | undefined
}

export interface BrokerOptions {
  host: string
  /** 0 for any free port. */
  port: number
  limits?: Partial<BrokerLimits> | undefined
  /** True where a device may publish on a topic that is not its telemetry. */
  mayPublish?: ((user: string, topic: string) => boolean) | undefined
  /** Without any, everyone on this machine is trusted and any other address is refused at start. */
  credentials?: Credentials | undefined
  tls?: BrokerTls | undefined
  gate?: Gate | undefined
  persistentSessions?: boolean | undefined
  /** Asked at every CONNECT; while false, clients are told that the server is unavailable. */
  admits?: (() => boolean) | undefined
  clock?: Clock | undefined
  log?: Logger | undefined
  /** The setting or flag that names the port, for messages. */
  setting?: string | undefined
}

export interface Broker {
  /** Rejects with a MillraceError where the port is taken. */
  listen(): Promise<{ host: string; port: number }>
  connections(): number
  /** Hands a message of this process to the subscribers, past gate and rules; rejects while the broker does not listen. */
  publish(message: Message): Promise<void>
  /** How often something was denied, by reason, since the start. */
  denials(): Readonly<Denials>
  /** Ends every connection; nothing that waits at the gate is acknowledged afterwards. Safe twice. */
  close(): Promise<void>
}

/** An MQTT 3.1.1 broker in this process. Rejects with a UsageError where it would be open to others without credentials. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  if (!options.credentials && !demandsCertificate(options) && !isLoopback(options.host)) throw openAddressError(options)
  const broker = new SocketBroker(options)
  await broker.prepare()
  return broker
}

function demandsCertificate({ tls }: BrokerOptions): boolean {
  return tls?.ca !== undefined && tls.requireCertificate !== false
}

function openAddressError({ host, setting = 'host' }: BrokerOptions): UsageError {
  const problem = { path: setting, found: host, expected: 'a loopback address, or credentials, or client certificates' }
  return new UsageError(`a broker open to other machines (${host}) needs credentials`, [problem], {
    code: 'credentials-required',
  })
}

class SocketBroker implements Broker {
  readonly #options: BrokerOptions
  readonly #limits: BrokerLimits
  readonly #log: Logger
  readonly #strangers: SparingLog
  readonly #admission: Admission
  readonly #sockets = new Set<Socket>()
  readonly #denials: Denials = Object.create(null)
  #aedes: Aedes | undefined
  #server: Server | undefined
  #closing: Promise<void> | undefined

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#limits = brokerLimitsSchema.parse(options.limits ?? {})
    this.#log = options.log ?? silentLogger
    this.#strangers = new SparingLog(this.#log)
    this.#admission = createAdmission(this.#limits, options.clock ?? systemClock)
  }

  async prepare(): Promise<void> {
    const { Aedes } = await import('aedes')
    const limits = this.#limits
    this.#aedes = await Aedes.createBroker({
      ...this.#rules().hooks(),
      connectTimeout: limits.connectTimeoutMs,
      drainTimeout: limits.drainTimeoutMs,
      keepaliveLimit: limits.maxKeepaliveS,
      maxInflightInbound: limits.maxInflightQos2,
      maxTopicLevels: limits.maxTopicLevels,
    })
    // An EventEmitter without a listener for `error` ends the process.
    this.#aedes.on(
      'error' as 'closed',
      ((error: unknown) => {
        this.#log.warn({ error: String(error) }, 'broker error')
      }) as () => void,
    )
    // Every packet that was on its way to a client fails on its own when the client dies.
    const logged = new WeakSet<object>()
    this.#aedes.on('clientError', (client, error) => {
      if (logged.has(client)) return
      logged.add(client)
      if (this.#closing !== undefined) return
      this.#strangers.write('info', { client: client.id, reason: error.message }, 'connection ended')
    })
  }

  #rules(): BrokerRules {
    const { credentials, gate, mayPublish, tls, persistentSessions = false, admits = () => true } = this.#options
    return new BrokerRules({
      limits: this.#limits,
      credentials,
      certified: tls?.ca !== undefined,
      gate,
      mayPublish,
      persistentSessions,
      admits,
      closing: () => this.#closing !== undefined,
      deny: (reason) => this.#deny(reason),
    })
  }

  async listen(): Promise<{ host: string; port: number }> {
    const { host, port, tls, setting = 'port' } = this.#options
    const accept = (socket: Socket): void => this.#accept(socket)
    const server = tls ? this.#tlsServer(tls, accept) : createServer({ noDelay: true }, accept)
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, { setting, host, port })))
      server.listen({ host, port }, resolve)
    })
    server.on('error', (error) => this.#log.warn({ error: String(error) }, 'listener error'))
    const address = server.address()
    return { host, port: typeof address === 'object' && address ? address.port : port }
  }

  #tlsServer(tls: BrokerTls, accept: (socket: Socket) => void): Server {
    const { cert, key, ca } = tls
    const server = createTlsServer(
      {
        ...{ cert, key, requestCert: ca !== undefined, rejectUnauthorized: demandsCertificate(this.#options) },
        ...(ca && { ca }),
        handshakeTimeout: this.#limits.connectTimeoutMs,
      },
      accept,
    )
    server.on('tlsClientError', (error, socket) => {
      this.#deny('tls')
      this.#strangers.write('warn', { ...refusedHandshake(error, socket) }, 'TLS connection refused')
    })
    return server
  }

  #accept(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    const refusal = this.#closing === undefined ? this.#admission.enter(address) : 'closing'
    if (refusal) {
      this.#deny(refusal)
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#admission.leave(address)
    })
    this.#guard(socket)
    this.#aedes?.handle(socket)
  }

  /** aedes takes bytes with `read`, and buffers a packet until it is whole: so the limit stands in front of `read`. */
  #guard(socket: Socket): void {
    const guard = new FrameGuard(this.#limits.maxPacketBytes)
    const read = socket.read.bind(socket)
    socket.read = (size?: number): Buffer | null => {
      const chunk: Buffer | null = read(size)
      const refusal = chunk && guard.check(chunk)
      if (!refusal) return chunk
      this.#deny(refusal)
      socket.destroy()
      return null
    }
  }

  #deny(reason: string): void {
    this.#denials[reason] = (this.#denials[reason] ?? 0) + 1
  }

  connections(): number {
    return this.#sockets.size
  }

  async publish({ topic, body, retain = false, qos = 1 }: Message): Promise<void> {
    const aedes = this.#aedes
    if (!aedes || !this.#server?.listening || this.#closing !== undefined) throw new Error('the broker does not listen')
    const packet = { cmd: 'publish' as const, dup: false, topic, payload: Buffer.from(body), retain, qos }
    await new Promise<void>((resolve, reject) => {
      aedes.publish(packet, (error) => (error ? reject(error) : resolve()))
    })
  }

  denials(): Readonly<Denials> {
    return this.#denials
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const aedes = this.#aedes
    const server = this.#server
    for (const socket of this.#sockets) socket.destroy()
    this.#strangers.close()
    await new Promise<void>((resolve) => (aedes ? aedes.close(resolve) : resolve()))
    await new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()))
  }
}
