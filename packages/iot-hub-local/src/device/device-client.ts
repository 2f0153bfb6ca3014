import type { IPublishPacket } from 'mqtt-packet'
import type { LiveDevice } from '../core/links.ts'
import type { Core } from '../core/open-core.ts'
import { HubError } from '../hub-error.ts'
import type { Bag } from '../property-bag.ts'
import type { Device, Json, JsonObject, NewEvent, TwinSection } from '../types.ts'
import { CommandDelivery } from './command-delivery.ts'
import { type Client, type Connection, refusedFilter } from './connection.ts'
import type { Quota, Throttle } from './limits.ts'
import { maxMessageBytes, sizeOf, telemetryEvent } from './telemetry.ts'
import {
  commandsTopic,
  desiredPatches,
  isAllowedFilter,
  methodCalls,
  type Publication,
  parsePublication,
  twinAnswers,
} from './topics.ts'

const maxSubscriptions = 5
const maxMethodBytes = 128 * 1024

export interface Gates {
  telemetry: Throttle | undefined
  twins: Throttle | undefined
  quota: Quota | undefined
}

export interface DeviceClientOptions {
  core: Core
  gates: Gates
  device: Device
  expiresMs: number
  /** CleanSession: nothing is kept for the next connection. */
  clean: boolean
  will: { bag: Bag; body: Uint8Array } | undefined
}

interface TwinAnswer {
  status: number
  requestId: string
  version?: number
}

function sectionOf({ values, version }: TwinSection): JsonObject {
  return { ...values, $version: version }
}

function parseJson(body: Buffer | string): Json {
  try {
    return JSON.parse(body.toString()) as Json
  } catch {
    throw new HubError('MalformedTwin', 'the body is not JSON')
  }
}

/** A device on its connection: telemetry, twin, methods and commands. */
export class DeviceClient implements Client, LiveDevice {
  readonly deviceId: string
  readonly connectedMs: number
  readonly expiresMs: number
  lastActivityMs: number
  readonly #connection: Connection
  readonly #options: DeviceClientOptions
  readonly #core: Core
  readonly #subscriptions: Map<string, number>
  readonly #commands: CommandDelivery

  constructor(connection: Connection, options: DeviceClientOptions) {
    this.#connection = connection
    this.#options = options
    this.#core = options.core
    this.deviceId = options.device.deviceId
    this.expiresMs = options.expiresMs
    this.connectedMs = this.lastActivityMs = this.#core.clock.now()
    this.#subscriptions = new Map(options.clean ? [] : this.#core.sessions.get(this.deviceId))
    this.#commands = new CommandDelivery(this.deviceId, connection, this.#core.commands)
  }

  get name(): string {
    return this.deviceId
  }

  get sessionPresent(): boolean {
    return !this.#options.clean && this.#core.sessions.get(this.deviceId) !== undefined
  }

  /** After CONNACK. */
  async ready(): Promise<void> {
    this.#core.links.attach(this)
    if (this.#options.clean) {
      await this.#core.sessions.drop(this.deviceId)
      await this.#core.commands.purge(this.deviceId)
    } else if (!this.sessionPresent) await this.#saveSession()
    this.subscribed()
  }

  async publish(packet: IPublishPacket): Promise<void> {
    this.lastActivityMs = this.#core.clock.now()
    const publication = parsePublication(packet.topic, this.deviceId)
    if (!publication) throw new Error(`a device may not publish to ${packet.topic.slice(0, 200)}`)
    if (publication.kind === 'events') return this.#telemetry(publication.bag, packet)
    if (publication.kind === 'method-answer') return this.#methodAnswer(publication, packet)
    await this.#answerTwin(publication, packet)
  }

  async subscribe(filter: string, qos: number): Promise<number> {
    if (!isAllowedFilter(filter, this.deviceId)) return refusedFilter
    if (this.#subscriptions.size >= maxSubscriptions && !this.#subscriptions.has(filter)) return refusedFilter
    const granted = Math.min(qos, 1)
    this.#subscriptions.set(filter, granted)
    await this.#saveSession()
    return granted
  }

  async unsubscribe(filter: string): Promise<void> {
    this.#subscriptions.delete(filter)
    await this.#saveSession()
  }

  subscribed(): void {
    if (this.#subscriptions.has(methodCalls)) this.#core.links.listensForMethods(this.deviceId)
    this.commandsWaiting()
  }

  acknowledged(messageId: number): void {
    this.lastActivityMs = this.#core.clock.now()
    this.#commands.acknowledged(messageId)
  }

  closed(graceful: boolean): void {
    this.#core.links.detach(this)
    const { will } = this.#options
    if (graceful || !will) return
    const event = this.#event(will.bag, will.body, { 'iothub-MessageType': 'Will' })
    this.#core.events.builtIn.append([event]).catch((error: unknown) => {
      this.#core.log.warn({ device: this.deviceId, error }, 'a last will was lost')
    })
  }

  end(reason: string): void {
    this.#connection.end(reason, 'lost')
  }

  desiredChanged(patch: JsonObject, version: number): void {
    if (!this.#subscriptions.has(desiredPatches)) return
    this.#send(`$iothub/twin/PATCH/properties/desired/?$version=${version}`, { ...patch, $version: version })
  }

  sendMethod(requestId: string, name: string, payload: Json | undefined): boolean {
    if (!this.#subscriptions.has(methodCalls)) return false
    this.#send(`$iothub/methods/POST/${encodeURIComponent(name)}/?$rid=${requestId}`, payload ?? null)
    return true
  }

  commandsWaiting(): void {
    const qos = this.#subscriptions.get(`${commandsTopic(this.deviceId)}#`)
    if (qos !== undefined) this.#commands.deliver(qos === 1 ? 1 : 0)
  }

  async #telemetry(bag: Bag, packet: IPublishPacket): Promise<void> {
    const marks = packet.retain ? { 'mqtt-retain': 'true' } : {}
    const event = this.#event(bag, Buffer.from(packet.payload), marks)
    const bytes = sizeOf(event)
    if (bytes > maxMessageBytes) throw new HubError('MessageTooLarge', `a message of ${bytes} bytes is over 256 KB`)
    this.#options.gates.quota?.take(bytes)
    const waitMs = this.#options.gates.telemetry?.take() ?? (this.#options.gates.telemetry ? undefined : 0)
    if (waitMs === undefined) throw new HubError('ThrottlingException', 'too many messages for this hub (429001)')
    const slowed = waitMs > 0 ? this.#connection.slowDown(waitMs) : undefined
    await this.#core.events.builtIn.append([event])
    await slowed
  }

  #event(bag: Bag, body: Uint8Array, marks: Readonly<Record<string, string>>): NewEvent {
    const { device } = this.#options
    return telemetryEvent({ device, bag, body, nowMs: this.#core.clock.now(), marks })
  }

  #methodAnswer({ requestId, status }: Publication & { kind: 'method-answer' }, packet: IPublishPacket): void {
    if (packet.payload.length > maxMethodBytes) throw new HubError('MessageTooLarge', 'a method answer is over 128 KB')
    const text = packet.payload.toString()
    const payload = text === '' ? null : parseJson(text)
    if (this.#core.links.answerMethod(this.deviceId, requestId, { status, payload })) return
    this.#core.log.info({ device: this.deviceId }, 'an answer came for a method that nobody waits for')
  }

  async #answerTwin(publication: Publication & { requestId: string }, packet: IPublishPacket): Promise<void> {
    const throttle = this.#options.gates.twins
    const { requestId } = publication
    try {
      if (throttle && throttle.take() !== 0) throw new HubError('ThrottlingException', 'too many twin operations')
      if (publication.kind === 'twin-get') return this.#twinAnswer({ status: 200, requestId }, this.#twin())
      const version = await this.#core.twins.report(this.deviceId, parseJson(packet.payload))
      this.#twinAnswer({ status: 204, requestId, version })
    } catch (error) {
      const refusal = error instanceof HubError ? error : new HubError('ServerError', String(error))
      // The device side knows no 413: a twin that is too large is a bad request.
      const status = refusal.status === 413 ? 400 : refusal.status
      this.#twinAnswer({ status, requestId }, { errorCode: refusal.code, message: refusal.message })
    }
  }

  #twin(): JsonObject {
    const twin = this.#core.twins.get(this.deviceId)
    if (!twin) throw new HubError('DeviceNotFound', 'the device was removed')
    return { desired: sectionOf(twin.desired), reported: sectionOf(twin.reported) }
  }

  #twinAnswer({ status, requestId, version }: TwinAnswer, body?: Json): void {
    if (!this.#subscriptions.has(twinAnswers)) return
    const suffix = version === undefined ? '' : `&$version=${version}`
    this.#send(`$iothub/twin/res/${status}/?$rid=${encodeURIComponent(requestId)}${suffix}`, body)
  }

  #send(topic: string, body: Json | undefined): void {
    const payload = body === undefined ? '' : JSON.stringify(body)
    this.#connection.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false })
  }

  async #saveSession(): Promise<void> {
    if (!this.#options.clean) await this.#core.sessions.save(this.deviceId, this.#subscriptions)
  }
}

/** The will of a CONNECT; undefined where it is for anything but the device's own events. */
export function willOf(
  will: { topic: string; payload: Buffer | string } | undefined,
  deviceId: string,
): DeviceClientOptions['will'] | 'refused' {
  if (!will) return undefined
  const publication = parsePublication(will.topic, deviceId)
  if (publication?.kind !== 'events') return 'refused'
  return { bag: publication.bag, body: Buffer.from(will.payload) }
}
