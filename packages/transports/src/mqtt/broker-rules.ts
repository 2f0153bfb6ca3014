import type { Socket } from 'node:net'
import type { Message } from '@millrace/pipeline'
import type { Aedes, AedesOptions, Client } from 'aedes'
import type { BrokerLimits } from './broker-limits.ts'
import type { Credentials, Role } from './credentials.ts'
import { FailedLogins } from './failed-logins.ts'
import type { Gate } from './gate.ts'
import type { IntakeValve } from './intake-valve.ts'
import type { Quota } from './quota.ts'
import { certifiedName } from './tls.ts'

/** What a broker denied, by reason. */
export type Denials = Record<string, number>

export interface RulesOptions {
  limits: BrokerLimits
  credentials?: Credentials | undefined
  /** A client with a certificate is the device that it names, whatever else it says. */
  certified?: boolean
  gate?: Gate | undefined
  /** True where a device may publish on a topic that is not its telemetry. */
  mayPublish?: ((user: string, topic: string) => boolean) | undefined
  /** Keep sessions, their subscriptions and undelivered messages while a client is away; in memory. */
  persistentSessions: boolean
  /** False while nobody may connect. */
  admits(): boolean
  /** True once the broker closes: wills of clients that are being closed by it are no events. */
  closing(): boolean
  deny(reason: string): void
  quota: Quota
  valveOf(client: Client): IntakeValve | undefined
}

interface ClientState {
  user: string
  role: Role
  filters: Set<string>
}

type Hooks = Required<Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeSubscribe'>>
type Authenticate = Parameters<Hooks['authenticate']>
type Connect = Parameters<Aedes['preConnect']>[1]
type Publish = Parameters<Aedes['authorizePublish']>[1]
type PublishDone = Parameters<Aedes['authorizePublish']>[2]

const serverUnavailable = 3
const notAuthorized = 5

function refusal(message: string, returnCode: number): Error & { returnCode: number } {
  return Object.assign(new Error(message), { returnCode })
}

function levels(topic: string): number {
  let count = 1
  for (let at = topic.indexOf('/'); at >= 0; at = topic.indexOf('/', at + 1)) count++
  return count
}

function badTopic(topic: string, limits: BrokerLimits): string | undefined {
  if (topic.startsWith('$')) return 'reserved-topic'
  if (topic.length > limits.maxTopicBytes || Buffer.byteLength(topic) > limits.maxTopicBytes) return 'long-topic'
  return levels(topic) > limits.maxTopicLevels ? 'deep-topic' : undefined
}

function badConnect(packet: Connect, limits: BrokerLimits): string | undefined {
  if (Buffer.byteLength(packet.clientId) > limits.maxTopicBytes) return 'long-client-id'
  if (packet.clientId === '' && packet.clean === false) return 'no-client-id'
  if (packet.will && (/[+#]/.test(packet.will.topic) || packet.will.topic === '')) return 'bad-will'
  return packet.will && badTopic(packet.will.topic, limits)
}

/** The devices' topics are `{root}/{site}/{device}[/{metric}]`: a device's user name is its device name. */
function ownsTopic(state: ClientState, topic: string): boolean {
  if (state.role === 'service') return true
  const [root, , device] = topic.split('/')
  return root === 'telemetry' && device === state.user
}

/** What the cloud wants of a device: `commands/{site}/{device}`, the only topic that it may hear. */
function isOwnCommands(state: ClientState | undefined, filter: string): boolean {
  const [root, site, device, ...rest] = filter.split('/')
  if (!state || /^$|[+#]/.test(state.user) || root !== 'commands' || rest.length > 0) return false
  return site !== undefined && site !== '#' && device === state.user
}

/** A client id is bound to its user, so that no other user can end its connection by taking the id over. */
function ownsClientId(user: string, clientId: string): boolean {
  return clientId === user || clientId.startsWith(`${user}/`)
}

/** Without the retain flag: a publish is news whether or not the device asks for it to be kept. */
function toMessage(packet: Publish): Message {
  const body = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
  return { topic: packet.topic, body, qos: packet.qos }
}

/** Every decision of the broker about what a client may do: default deny once credentials are given. */
export class BrokerRules {
  readonly #options: RulesOptions
  readonly #states = new WeakMap<Client, ClientState>()
  /** Whose client id the broker makes up. */
  readonly #nameless = new WeakSet<Client>()
  readonly #retained = new Set<string>()
  readonly #logins = new FailedLogins(() => performance.now())

  constructor(options: RulesOptions) {
    this.#options = options
  }

  /** The decisions in the form aedes asks for them. */
  hooks(): Hooks {
    return {
      preConnect: (client, packet, done) => {
        this.#options.valveOf(client)?.keepalive(packet.keepalive ?? 0)
        if (packet.clientId === '') this.#nameless.add(client)
        const bad = this.#judge(badConnect(packet, this.#options.limits))
        if (!this.#options.persistentSessions) packet.clean = true
        done(bad, bad === null)
      },
      authenticate: (...connect) => this.#authenticate(connect),
      authorizePublish: (client, packet, done) => this.#publish({ client, packet, done }),
      authorizeSubscribe: (client, subscription, done) => {
        const bad = this.#judge(this.#refuseSubscribe(this.#states.get(client), subscription.topic))
        done(null, bad ? null : subscription)
      },
    }
  }

  /** Makes room for other subscriptions of the client. */
  unsubscribed(client: Client, filters: readonly string[]): void {
    const held = this.#states.get(client)?.filters
    for (const filter of filters) held?.delete(filter)
  }

  #judge(reason: string | undefined): Error | null {
    if (reason === undefined) return null
    this.#options.deny(reason)
    return new Error(reason)
  }

  #authenticate([client, user = '', secret = Buffer.alloc(0), done]: Authenticate): void {
    this.#admit(client, user, secret).then(
      (error) => {
        if (error) this.#options.deny(error.message)
        done(error as Parameters<typeof done>[0], error === null)
      },
      (error: unknown) => done(refusal(String(error), serverUnavailable), false),
    )
  }

  async #admit(client: Client, user: string, secret: Uint8Array): Promise<Error | null> {
    const { admits, credentials } = this.#options
    if (!admits()) return refusal('not-accepting', serverUnavailable)
    const device = this.#options.certified ? certifiedName(client.conn) : undefined
    if (device) return this.#enter(client, { user: device, role: 'device', named: user })
    // Who shows a certificate that names nobody is somebody all the same, and not whoever is trusted without one.
    const trusted = device === undefined ? 'service' : undefined
    const role = credentials ? await this.#verify(client, credentials, [user, secret]) : trusted
    if (role === 'delayed') return refusal('too-many-failed-logins', serverUnavailable)
    return this.#enter(client, { user, role, named: user })
  }

  /** Who was right before is let in whatever others from the same address try. */
  async #verify(client: Client, credentials: Credentials, [user, secret]: [string, Uint8Array]) {
    const known = credentials.recognise(user, secret)
    if (known) return known
    const address = (client.conn as Partial<Socket>).remoteAddress ?? ''
    // By its turn the same may have been found right on another connection.
    const verify = async () => credentials.recognise(user, secret) ?? (await credentials.verify(user, secret))
    return await this.#logins.attempt(address, verify)
  }

  #enter(client: Client, { user, role, named }: { user: string; role: Role | undefined; named: string }): Error | null {
    const bound = this.#options.credentials !== undefined || role === 'device'
    const other = named !== '' && named !== user
    if (role === undefined || other || (bound && !this.#nameless.has(client) && !ownsClientId(user, client.id))) {
      return refusal('not-authorized', notAuthorized)
    }
    this.#states.set(client, { user, role, filters: new Set() })
    this.#options.valveOf(client)?.identify(user, client.id, role === 'device')
    return null
  }

  #publish({ client, packet, done }: { client: Client | null; packet: Publish; done: PublishDone }): void {
    const { gate, quota, valveOf } = this.#options
    const bad = this.#judge(this.#refusePublish(client, packet))
    if (quota.watchers > 0 && client) valveOf(client)?.published(packet.topic, packet.payload.length)
    if (bad || !gate) {
      done(bad)
      return
    }
    // A gated broker hands readings on and keeps no picture of them, so retained topics cannot fill its memory.
    packet.retain = false
    gate({ message: toMessage(packet), release: (error) => done(error ?? null) })
  }

  #refusePublish(client: Client | null, packet: Publish): string | undefined {
    const { closing, credentials, certified, limits, gate } = this.#options
    if (closing()) return 'closing'
    const state = client === null ? undefined : this.#states.get(client)
    if ((credentials || certified) && !(state && this.#owns(state, packet.topic))) return 'not-authorized'
    const bad = badTopic(packet.topic, limits)
    return bad === undefined && packet.retain && !gate ? this.#refuseRetained(packet) : bad
  }

  #owns(state: ClientState, topic: string): boolean {
    return ownsTopic(state, topic) || this.#options.mayPublish?.(state.user, topic) === true
  }

  #refuseRetained({ topic, payload }: Publish): string | undefined {
    const retained = this.#retained
    if (payload.length === 0) retained.delete(topic)
    else if (!retained.has(topic) && retained.size >= this.#options.limits.maxRetainedTopics) return 'too-many-retained'
    else retained.add(topic)
    return undefined
  }

  #refuseSubscribe(state: ClientState | undefined, filter: string): string | undefined {
    const { limits } = this.#options
    if (!state || (state.role !== 'service' && !isOwnCommands(state, filter))) return 'not-authorized'
    const bad = badTopic(filter, limits)
    if (bad) return bad
    const full = state.filters.size >= limits.maxSubscriptionsPerClient && !state.filters.has(filter)
    if (full) return 'too-many-subscriptions'
    state.filters.add(filter)
    return undefined
  }
}
