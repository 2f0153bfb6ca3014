import type { Logger } from '@millrace/pipeline'
import type { DeviceSdk, HubClient } from './sdk.ts'
import type { HubIdentity } from './settings.ts'
import { TwinReader } from './twin-reader.ts'
import type { HubCommand, HubHandlers, HubMessage, HubMethod } from './types.ts'

export interface SessionOptions {
  sdk: DeviceSdk
  identity: HubIdentity
  ca: string | undefined
  gateway: string | undefined
  keepaliveMs: number
  tokenLifeMs: number
  handlers: HubHandlers
  log: Logger
}

const closeMs = 2_000
/** The hub's address takes no more; the SDK sends this as part of the user agent. */
const productInfo = 'millrace'
const none = { shouldRetry: () => false, nextRetryTimeout: () => 0 }

function connectionString({ identity, gateway }: SessionOptions): string {
  const { host, deviceId, credential } = identity
  const secret = 'cert' in credential ? 'x509=true' : `SharedAccessKey=${credential.key}`
  return [`HostName=${host}`, `DeviceId=${deviceId}`, secret, ...(gateway ? [`GatewayHostName=${gateway}`] : [])].join(
    ';',
  )
}

function optionsOf({ identity: { credential }, ca, keepaliveMs, tokenLifeMs }: SessionOptions) {
  const tokenValidTimeInSeconds = Math.round(tokenLifeMs / 1_000)
  return {
    keepalive: Math.round(keepaliveMs / 1_000),
    productInfo,
    ...(ca === undefined ? {} : { ca }),
    // A new session comes long before the SDK would renew the token of this one.
    ...('cert' in credential
      ? { cert: credential.cert, key: credential.key }
      : { tokenRenewal: { tokenValidTimeInSeconds, tokenRenewalMarginInSeconds: 1 } }),
  }
}

/**
 * One connection with a client of its own: an ended client of the SDK would connect again by itself as soon as it is
 * given something to send.
 */
export class Session {
  /** Resolves once, with what ended the connection; undefined where nobody says. */
  readonly ended: Promise<unknown>
  readonly #sdk: DeviceSdk
  readonly #client: HubClient
  readonly #options: SessionOptions
  #twin: TwinReader | undefined
  #over = false

  private constructor(options: SessionOptions, client: HubClient) {
    this.#options = options
    this.#sdk = options.sdk
    this.#client = client
    this.ended = new Promise((resolve) => {
      client.on('disconnect', (result: { transportObj?: unknown } | undefined) => {
        this.#over = true
        resolve(result?.transportObj)
      })
      // A subscription that fails; without its requests the device would be deaf.
      client.on('error', (error: unknown) => {
        this.#over = true
        resolve(error)
      })
    })
  }

  /** Rejects with the error of the SDK. */
  static async open(options: SessionOptions): Promise<Session> {
    const { Client, transport } = options.sdk
    const client = Client.fromConnectionString(connectionString(options), transport)
    client.setRetryPolicy(none)
    await client.setOptions(optionsOf(options))
    const session = new Session(options, client)
    try {
      await client.open()
      session.#listen()
      return session
    } catch (error) {
      await session.close()
      throw error
    }
  }

  get over(): boolean {
    return this.#over
  }

  async send({ body, messageId, contentType, contentEncoding, properties = {} }: HubMessage): Promise<void> {
    if (this.#over) throw new Error('the connection is over')
    const message = new this.#sdk.Message(Buffer.from(body.buffer, body.byteOffset, body.byteLength))
    if (messageId !== undefined) message.messageId = messageId
    if (contentType !== undefined) message.contentType = contentType as typeof message.contentType
    if (contentEncoding !== undefined) message.contentEncoding = contentEncoding as typeof message.contentEncoding
    for (const [key, value] of Object.entries(properties)) message.properties.add(key, value)
    await this.#client.sendEvent(message)
  }

  async report(patch: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#over || !this.#twin) throw new Error('no twin: the connection is over or has just begun')
    await this.#twin.report(patch)
  }

  /** Waits a little for what is on its way; a connection that hangs ends by its keep-alive. */
  async close(): Promise<void> {
    this.#over = true
    this.#twin?.stop()
    const closed = Promise.resolve(this.#client.close()).catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, closeMs)
    })
    await Promise.race([closed, late])
    clearTimeout(timer)
  }

  #listen(): void {
    const { handlers, log } = this.#options
    const { onDesired, onCommand, methods = {} } = handlers
    // A twin that nobody asks for is not read: a hub counts that, for each of many devices.
    if (onDesired) {
      this.#twin = new TwinReader(this.#client, { log, onDesired: (desired) => !this.#over && onDesired(desired) })
      this.#twin.start()
    }
    for (const [name, method] of Object.entries(methods)) this.#serve(name, method)
    if (onCommand) this.#takeCommands(onCommand)
  }

  #serve(name: string, method: HubMethod): void {
    this.#client.onDeviceMethod(name, (request, response) => {
      const answer = async () => {
        const { status, payload } = await method(request.payload as unknown).catch((error: unknown) => ({
          status: 500,
          payload: { error: error instanceof Error ? error.message : String(error) },
        }))
        await response.send(status, payload)
      }
      // The connection went meanwhile: whoever asked has been told so by the hub.
      answer().catch(() => undefined)
    })
  }

  #takeCommands(onCommand: (command: HubCommand) => Promise<void>): void {
    this.#client.on('message', (message) => {
      const properties: Record<string, string> = {}
      for (let at = 0; at < message.properties.count(); at++) {
        const { key, value } = message.properties.getItem(at) as { key: string; value: string }
        properties[key] = value
      }
      const body = Buffer.isBuffer(message.data) ? message.data : Buffer.from(String(message.data ?? ''))
      onCommand({ body, messageId: message.messageId || undefined, properties })
        .catch((error: unknown) => this.#options.log.warn({ error }, 'a command of the hub could not be carried out'))
        .then(() => this.#client.complete(message))
        .catch(() => undefined)
    })
  }
}
