import { createServer, type Server, type Socket } from 'node:net'
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
import { followAedes } from './aedes-events.ts'
import { type BrokerLimits, brokerLimitsSchema } from './broker-limits.ts'
import { BrokerRules, type Denials } from './broker-rules.ts'
import type { Credentials } from './credentials.ts'
import { FrameGuard } from './frame-guard.ts'
import type { Gate } from './gate.ts'
import { IntakeValve } from './intake-valve.ts'
import { Quota, type QuotaSettings, type QuotaState, quotaSchema } from './quota.ts'
import { SparingLog } from './sparing-log.ts'
import { refusedHandshake } from './tls.ts'
import { type BrokerTls, demandsCertificate, TlsListener } from './tls-listener.ts'

export interface BrokerOptions {
  host: string
  /** 0 for any free port. */
  port: number
  limits?: Partial<BrokerLimits> | undefined
  /** What one device may send. */
  quota?: Partial<QuotaSettings> | undefined
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
  quota(): QuotaState
  /**
   * From now on connections are made with these. Those there are stay, but where authorities or their lists have
   * changed: then everybody has to show a certificate again.
   */
  renewTls(tls: BrokerTls): void
  /** Ends every connection; nothing that waits at the gate is acknowledged afterwards. Safe twice. */
  close(): Promise<void>
}

/** An MQTT 3.1.1 broker in this process. Rejects with a UsageError where it would be open to others without credentials. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  if (!options.credentials && !(options.tls && demandsCertificate(options.tls)) && !isLoopback(options.host))
    throw openAddressError(options)
  const broker = new SocketBroker(options)
  await broker.prepare()
  return broker
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
  readonly #quota: Quota
  readonly #sockets = new Set<Socket>()
  readonly #valves = new WeakMap<object, IntakeValve>()
  readonly #denials: Denials = Object.create(null)
  readonly #rules: BrokerRules
  #aedes: Aedes | undefined
  #server: Server | undefined
  #tls: TlsListener | undefined
  #closing: Promise<void> | undefined

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#limits = brokerLimitsSchema.parse(options.limits ?? {})
    this.#log = options.log ?? silentLogger
    this.#strangers = new SparingLog(this.#log)
    const { clock = systemClock } = options
    this.#admission = createAdmission(this.#limits, clock)
    // Waiting follows real time.
    this.#quota = new Quota(quotaSchema.parse(options.quota ?? {}), () => performance.now())
    this.#rules = this.#makeRules()
    if (options.tls) this.#tls = this.#makeTls(options.tls)
  }

  async prepare(): Promise<void> {
    const { Aedes } = await import('aedes')
    const limits = this.#limits
    this.#aedes = await Aedes.createBroker({
      ...this.#rules.hooks(),
      connectTimeout: limits.connectTimeoutMs,
      drainTimeout: limits.drainTimeoutMs,
      keepaliveLimit: limits.maxKeepaliveS,
      maxInflightInbound: limits.maxInflightQos2,
    })
    followAedes(this.#aedes, {
      ...{ rules: this.#rules, log: this.#log, strangers: this.#strangers },
      closing: () => this.#closing !== undefined,
      deny: (reason) => this.#deny(reason),
    })
  }

  #makeRules(): BrokerRules {
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
      quota: this.#quota,
      valveOf: (client) => this.#valves.get(client.conn),
    })
  }

  async listen(): Promise<{ host: string; port: number }> {
    const { host, port, setting = 'port' } = this.#options
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, { setting, host, port })))
      server.listen({ host, port }, resolve)
    })
    server.on('error', (error) => this.#log.warn({ error: String(error) }, 'listener error'))
    const address = server.address()
    return { host, port: typeof address === 'object' && address ? address.port : port }
  }

  #makeTls(tls: BrokerTls): TlsListener {
    return new TlsListener({
      ...{ tls, handshakeTimeoutMs: this.#limits.connectTimeoutMs },
      accept: (socket) => this.#serve(socket),
      refused: (error, socket) => {
        this.#deny('tls')
        this.#strangers.write('warn', { ...refusedHandshake(error, socket) }, 'TLS connection refused')
      },
    })
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
    if (this.#tls) this.#tls.shake(socket)
    else this.#serve(socket)
  }

  #serve(socket: Socket): void {
    const valve = new IntakeValve(socket, new FrameGuard(this.#limits.maxPacketBytes), this.#quota)
    valve.attach((reason) => this.#deny(reason))
    this.#valves.set(socket, valve)
    this.#aedes?.handle(socket)
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

  renewTls(tls: BrokerTls): void {
    if (this.#tls?.renew(tls)) for (const socket of this.#sockets) socket.destroy()
  }

  quota(): QuotaState {
    return this.#quota.state()
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
