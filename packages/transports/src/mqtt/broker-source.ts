import { type Delivery, definePlugin, type Message, type Source, type SourceState } from '@millrace/pipeline'
import { z } from 'zod'
import type { TransportContext } from '../context.ts'
import { type Broker, createBroker } from './broker.ts'
import { brokerLimitsSchema } from './broker-limits.ts'
import { readBrokerTls, tlsFiles } from './broker-tls.ts'
import { CertificateWatch } from './certificate-watch.ts'
import { readCredentials } from './credentials.ts'
import type { GatedPublish } from './gate.ts'
import { heldBytes, heldBytesOfAll } from './held-bytes.ts'
import { quotaSchema } from './quota.ts'
import { Refusal } from './refusal.ts'

const settings = z.object({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(1883),
  /** Lines `user:device|service:salt:hash`; needed on any address but loopback. */
  credentialsFile: z.string().min(1).optional(),
  /** PEM files of the listener, which then speaks TLS only; both or none. */
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  /** PEM file with the authorities of the devices' certificates: a device is then whom its certificate names. */
  ca: z.string().min(1).optional(),
  /** With `ca`: PEM file of the authorities' revocation lists. */
  crl: z.string().min(1).optional(),
  /** With `ca`: false lets devices without a certificate in on their credentials. */
  requireCertificate: z.boolean().default(true),
  limits: brokerLimitsSchema.prefault({}),
  /** What one device may send; over that its connection is left unread for a while. */
  quota: quotaSchema.prefault({}),
  /** Memory for what waits for the acknowledgement; a publish beyond that ends its connection. */
  maxHeldBytes: z
    .int()
    .positive()
    .default(64 * 1024 * 1024),
})
type Settings = z.output<typeof settings>

/** A broker of our own: a device's publish is acknowledged when the delivery that holds it is. */
export const brokerSource = definePlugin({
  type: 'broker',
  settings,
  create: (options: Settings, context: TransportContext): Source => new BrokerSource(options, context),
})

class BrokerSource implements Source {
  readonly #settings: Settings
  readonly #context: TransportContext
  readonly #refusal = new Refusal()
  readonly #timers = new Set<NodeJS.Timeout>()
  #broker: Broker | undefined
  #watch: CertificateWatch | undefined
  #receive: ((delivery: Delivery) => void) | undefined
  #group: GatedPublish[] = []
  #arrivals: number[] = []
  #heldBytes = 0

  constructor(options: Settings, context: TransportContext) {
    this.#settings = options
    this.#context = context
  }

  async start(receive: (delivery: Delivery) => void): Promise<void> {
    const { host, port, credentialsFile, limits, quota } = this.#settings
    this.#receive = receive
    const tls = readBrokerTls(this.#settings)
    // From here on: the files may change before the broker listens.
    this.#watch = tls && this.#watchFiles(tls.cert)
    this.#broker = await createBroker({
      host,
      port,
      limits,
      quota,
      credentials:
        credentialsFile === undefined ? undefined : await readCredentials(credentialsFile, 'collect.credentialsFile'),
      tls,
      gate: (publish) => this.#take(publish),
      mayPublish: this.#context.mayPublish,
      admits: () => !this.#refusal.active,
      clock: this.#context.clock,
      log: this.#context.log,
      setting: 'collect.port',
    })
    const address = await this.#broker.listen()
    this.#watch?.start()
    this.#context.log.info(address, 'listening for devices')
    this.#context.listening?.(address)
  }

  #watchFiles(cert: Buffer): CertificateWatch {
    const renew = () => {
      const tls = readBrokerTls(this.#settings)
      if (tls) this.#broker?.renewTls(tls)
      return tls?.cert
    }
    const options = { files: tlsFiles(this.#settings), setting: 'collect.cert', log: this.#context.log, renew }
    return new CertificateWatch(options, cert)
  }

  async publish(message: Message): Promise<void> {
    if (!this.#broker) throw new Error('the broker does not listen')
    await this.#broker.publish(message)
  }

  state(): SourceState {
    const broker = this.#broker
    if (!broker) return {}
    const certificates = this.#watch?.state ?? []
    return { connections: broker.connections(), denied: { ...broker.denials() }, quota: broker.quota(), certificates }
  }

  async stop(): Promise<void> {
    this.#receive = undefined
    this.#group = []
    this.#arrivals = []
    for (const timer of this.#timers) clearTimeout(timer)
    this.#watch?.stop()
    await this.#broker?.close()
  }

  #take(publish: GatedPublish): void {
    const bytes = heldBytes(publish.message)
    if (this.#heldBytes + bytes > this.#settings.maxHeldBytes) {
      publish.release(new Error('too much is waiting for the disk'))
      return
    }
    this.#heldBytes += bytes
    if (this.#group.length === 0) setImmediate(() => this.#flush())
    this.#group.push(publish)
    this.#arrivals.push(this.#context.clock.monotonic())
  }

  #flush(): void {
    const group = this.#group
    const arrivals = Float64Array.from(this.#arrivals)
    this.#group = []
    this.#arrivals = []
    if (group.length === 0 || !this.#receive) return
    const messages = group.map((publish) => publish.message)
    let settled = false
    const settle = (then: () => void): void => {
      if (settled || !this.#receive) return
      settled = true
      this.#heldBytes -= heldBytesOfAll(messages)
      then()
    }
    this.#receive({
      messages,
      arrivals,
      ack: () => settle(() => this.#accept(group)),
      refuse: (reason) => settle(() => this.#refuse(group, reason)),
    })
  }

  #accept(group: readonly GatedPublish[]): void {
    this.#refusal.accepted()
    for (const publish of group) publish.release()
  }

  /** The connections stay, unread, until the delay is over: senders that are kept waiting cannot hammer. */
  #refuse(group: readonly GatedPublish[], reason: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      for (const publish of group) publish.release(new Error(reason))
    }, this.#refusal.begin())
    this.#timers.add(timer)
  }
}
