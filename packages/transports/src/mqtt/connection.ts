import { backoff, type Logger, silentLogger } from '@millrace/pipeline'
import type { IClientOptions, MqttClient } from 'mqtt'
import { type CertificateState, CertificateWatch } from './certificate-watch.ts'
import type { MqttAddress } from './settings.ts'
import { tlsReason } from './tls.ts'

const minRetryMs = 200
const maxRetryMs = 5_000
const closeMs = 500
/** One that ended sooner says nothing about the next. */
const steadyMs = 5_000
/** So many in a row are no accident: a broker ends a client's connection when another is made under its id. */
const shortInARow = 5
const endedSoon = 'the connection ends soon after it is made: another program may use this client id'
const closedEarly = 'the other side closed the connection without an answer'
const closedEarlyTls = `${closedEarly}: it may not trust our certificate, or speak no TLS`
const disconnectPacket = Buffer.from([0xe0, 0])

export interface ConnectionOptions extends MqttAddress {
  clientId: string
  /** False: the broker keeps the session while this client is away. */
  clean: boolean
  will?: IClientOptions['will']
  keepaliveS?: number | undefined
  log?: Logger | undefined
}

export interface ConnectionEvents {
  /** A new client, before anything arrived: the place for listeners. */
  opened?(client: MqttClient): void
  connected(client: MqttClient): void
  /** Once for each `connected`. */
  lost?(): void
}

/** MQTT.js gives a number as the code of a refusal by the broker. */
function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  return tlsReason(error) ?? (typeof code === 'string' ? code : error.message)
}

type Connect = (url: string, options: IClientOptions) => MqttClient

/**
 * One MQTT connection that is made again for ever, with full jitter. Every try has a client of its own,
 * so that nothing of an ended connection (message ids, stores, queues) reaches into the next.
 */
export class Connection {
  #options: ConnectionOptions
  readonly #events: ConnectionEvents
  readonly #log: Logger
  readonly #watch: CertificateWatch | undefined
  #client: MqttClient | undefined
  #connected = false
  #tries = 0
  #connectedMs = 0
  /** Connections in a row that ended soon, with no try between them that failed: the broker was there all the time. */
  #short = 0
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #dropWaitMs = 0
  lastError: string | null = null

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    this.#options = options
    this.#events = events
    this.#log = options.log ?? silentLogger
    const { cert, source } = options
    const watched = source && { files: source.files, setting: 'cert', log: this.#log, renew: () => this.#renew() }
    this.#watch = watched && new CertificateWatch(watched, cert)
  }

  /** The client while it is connected. */
  get client(): MqttClient | undefined {
    return this.#connected ? this.#client : undefined
  }

  async start(): Promise<void> {
    this.#watch?.start()
    const { connect } = await import('mqtt')
    if (!this.#stopped && !this.#client) this.#open(connect)
  }

  /** The certificate that this side shows, if it has one. */
  get certificates(): CertificateState[] {
    return this.#watch?.state ?? []
  }

  /** Connects again with what the files hold now; what is not acknowledged is sent again. */
  #renew(): Buffer | undefined {
    const address = this.#options.source?.read()
    this.#options = { ...this.#options, ...address }
    this.drop(0)
    return address?.cert
  }

  #open(connect: Connect): void {
    const { url, log: _log, source: _source, keepaliveS = 30, ...options } = this.#options
    const client = connect(url, {
      ...(options as IClientOptions),
      protocolVersion: 4,
      keepalive: keepaliveS,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      queueQoSZero: false,
      resubscribe: false,
    })
    this.#client = client
    client.on('error', (error) => {
      this.lastError = reasonOf(error)
      if (!client.connected) client.end(true)
    })
    client.once('connect', () => this.#onConnect(client))
    client.once('close', () => this.#onClose(client, connect))
    this.#events.opened?.(client)
  }

  #onConnect(client: MqttClient): void {
    if (client !== this.#client || this.#stopped) return
    this.#connected = true
    this.#connectedMs = performance.now()
    this.lastError = null
    this.#events.connected(client)
  }

  #onClose(client: MqttClient, connect: Connect): void {
    if (client !== this.#client) return
    const wasConnected = this.#connected
    this.#connected = false
    client.end(true)
    if (wasConnected) this.#onLost()
    else this.#onRefused()
    if (this.#stopped) return
    const waitMs = Math.max(this.#dropWaitMs, backoff(this.#tries++, { minMs: minRetryMs, maxMs: maxRetryMs }))
    this.#dropWaitMs = 0
    if (wasConnected || this.#tries === 1) {
      this.#log.warn({ url: this.#options.url, reason: this.lastError ?? 'closed', waitMs }, 'not connected')
    }
    this.#timer = setTimeout(() => this.#open(connect), waitMs)
  }

  #onRefused(): void {
    this.#short = 0
    this.lastError ??= this.#options.cert ? closedEarlyTls : closedEarly
  }

  #onLost(): void {
    this.#short = performance.now() - this.#connectedMs < steadyMs ? this.#short + 1 : 0
    this.#tries = this.#short
    if (this.#short >= shortInARow) this.lastError ??= endedSoon
    this.#events.lost?.()
  }

  /** Ends this connection as if the network had; the next is made after `waitMs`. */
  drop(waitMs: number): void {
    this.#dropWaitMs = waitMs
    // Ended by ourselves, which says nothing about others with the same id.
    this.#connectedMs = Number.NEGATIVE_INFINITY
    this.#client?.stream.destroy()
  }

  /** Says goodbye, so that the broker sends no will. Safe without start and twice. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#watch?.stop()
    clearTimeout(this.#timer)
    const client = this.#client
    if (!client) return
    if (this.#connected) await this.#sayGoodbye(client)
    client.end(true)
  }

  #sayGoodbye(client: MqttClient): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, closeMs)
      client.stream.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      client.stream.end(disconnectPacket)
    })
  }
}
