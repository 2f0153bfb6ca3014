import { randomUUID } from 'node:crypto'
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet'
import { newKey } from '../core/keys.ts'
import type { Core } from '../core/open-core.ts'
import { kept } from '../core/policies.ts'
import { parseBag } from '../property-bag.ts'
import { deriveKey, verifyToken } from '../sas.ts'
import { tokenFaults } from './authenticate.ts'
import { type Admission, type Client, type Connection, refusedFilter } from './connection.ts'

const answers = '$dps/registrations/res/#'
const validRegistrationId = /^[a-z0-9\-._:]{0,127}[a-z0-9-]$/
const retryAfterS = 1

export interface Enrolment {
  registrationId: string
  primaryKey: string
  secondaryKey?: string
  /** Default: the registration id. */
  deviceId?: string
}

export interface EnrolmentGroup {
  name: string
  primaryKey: string
  secondaryKey?: string
}

export interface Provisioning {
  idScope: string
  enrolments: readonly Enrolment[]
  groups: readonly EnrolmentGroup[]
}

/** What the data folder says, made at the first start: an id scope and one group. */
export function provisioningOf(core: Core, given: Partial<Provisioning> = {}): Promise<Provisioning> {
  return kept(core.spool, 'provisioning', () => {
    const idScope = `0ne${randomUUID().replaceAll('-', '').slice(0, 8).toUpperCase()}`
    return { idScope, enrolments: [], groups: [{ name: 'millrace', primaryKey: newKey(), secondaryKey: newKey() }] }
  }).then((made) => ({ ...made, ...given }))
}

interface Candidate {
  keys: [string, string]
  deviceId: string
}

/** Keys by which this registration id may come, of its own enrolment or derived from a group. */
function candidatesOf({ enrolments, groups }: Provisioning, registrationId: string): Candidate[] {
  const own = enrolments.find((enrolment) => enrolment.registrationId === registrationId)
  if (own) {
    const keys: [string, string] = [own.primaryKey, own.secondaryKey ?? own.primaryKey]
    return [{ keys, deviceId: own.deviceId ?? registrationId }]
  }
  return groups.map(({ primaryKey, secondaryKey = primaryKey }) => {
    return {
      keys: [deriveKey(primaryKey, registrationId), deriveKey(secondaryKey, registrationId)],
      deviceId: registrationId,
    }
  })
}

export interface ProvisioningOptions {
  core: Core
  provisioning: Provisioning
  /** Host with port that devices are sent to. */
  assignedHub: string
}

interface Registration {
  registrationId: string
  candidate: Candidate
}

export function isProvisioning(username: string | undefined): boolean {
  return /^[^/]+\/registrations\/[^/]+\/api-version=/.test(username ?? '')
}

/** The device provisioning service over MQTT, with symmetric keys: individual enrolments and groups. */
export function admitRegistration(
  packet: IConnectPacket,
  connection: Connection,
  options: ProvisioningOptions,
): Admission {
  const refuse = (reason: string): Admission => ({ accepted: false, returnCode: 5, reason: `provisioning: ${reason}` })
  const [idScope, , registrationId = ''] = (packet.username ?? '').split('/')
  const { provisioning, core } = options
  if (idScope !== provisioning.idScope) return refuse(`the id scope is ${provisioning.idScope}, not ${idScope}`)
  if (registrationId !== packet.clientId) return refuse('the client id is not the registration id')
  if (!validRegistrationId.test(registrationId)) return refuse(`not a registration id: ${registrationId.slice(0, 128)}`)
  const path = `${idScope}/registrations/${registrationId}`
  for (const candidate of candidatesOf(provisioning, registrationId)) {
    const verdict = verifyToken(packet.password?.toString() ?? '', {
      nowMs: core.clock.now(),
      covers: (resource) => resource === path,
      keys: (name) => (name === 'registration' ? candidate.keys : []),
    })
    if (verdict.ok) {
      const client = new ProvisioningClient(connection, { registrationId, candidate }, options)
      client.expiresMs = verdict.expiresMs
      return { accepted: true, client, sessionPresent: false, ready: () => undefined }
    }
    if (verdict.reason !== 'wrong-signature') return refuse(tokenFaults[verdict.reason])
  }
  return refuse('the signature fits no enrolment: look at the registration id and the key')
}

class ProvisioningClient implements Client {
  expiresMs = 0
  readonly #connection: Connection
  readonly #registration: Registration
  readonly #options: ProvisioningOptions
  #subscribed = false
  #operationId: string | undefined

  constructor(connection: Connection, registration: Registration, options: ProvisioningOptions) {
    this.#connection = connection
    this.#registration = registration
    this.#options = options
  }

  get name(): string {
    return `provisioning ${this.#registration.registrationId}`
  }

  async publish({ topic, payload }: IPublishPacket): Promise<void> {
    const match = /^\$dps\/registrations\/(PUT\/iotdps-register|GET\/iotdps-get-operationstatus)\/(\?.*)$/.exec(topic)
    const bag = match && parseBag(match[2]!)
    const requestId = bag?.get('$rid')
    if (!requestId) throw new Error(`a registering device may not publish to ${topic.slice(0, 200)}`)
    if (match?.[1]?.startsWith('PUT')) return this.#register(requestId, payload.toString())
    return this.#status(requestId, bag?.get('operationId') ?? '')
  }

  async subscribe(filter: string): Promise<number> {
    this.#subscribed ||= filter === answers
    return filter === answers ? 1 : refusedFilter
  }

  async unsubscribe(): Promise<void> {
    this.#subscribed = false
  }

  subscribed(): void {}

  acknowledged(): void {}

  closed(): void {}

  #register(requestId: string, body: string): void {
    if (registrationIdIn(body) === this.#registration.registrationId) {
      this.#operationId = `4.${randomUUID().replaceAll('-', '')}.${randomUUID()}`
      this.#answer(202, requestId, { operationId: this.#operationId, status: 'assigning' })
    } else this.#answer(400, requestId, { errorCode: 400000, message: 'the body names another registration id' })
  }

  async #status(requestId: string, operationId: string): Promise<void> {
    if (operationId !== this.#operationId) {
      return this.#answer(404, requestId, { errorCode: 404203, message: 'there is no such operation' })
    }
    const { core, assignedHub } = this.#options
    const { registrationId, candidate } = this.#registration
    const device = await enrol(core, candidate)
    const at = new Date(core.clock.now()).toISOString()
    const state = {
      registrationId,
      createdDateTimeUtc: new Date(device.createdMs).toISOString(),
      assignedHub,
      deviceId: device.deviceId,
      status: 'assigned',
      substatus: 'initialAssignment',
      lastUpdatedDateTimeUtc: at,
      etag: device.etag,
    }
    this.#answer(200, requestId, { operationId, status: 'assigned', registrationState: state })
  }

  #answer(status: number, requestId: string, body: object): void {
    if (!this.#subscribed) return
    const retry = status === 202 ? `&retry-after=${retryAfterS}` : ''
    const topic = `$dps/registrations/res/${status}/?$rid=${encodeURIComponent(requestId)}${retry}`
    this.#connection.send({ cmd: 'publish', topic, payload: JSON.stringify(body), qos: 0, dup: false, retain: false })
  }
}

function registrationIdIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { registrationId?: string } | null)?.registrationId
  } catch {
    return undefined
  }
}

/** The device in the registry with the enrolment's keys, made where it is missing. */
async function enrol(core: Core, { deviceId, keys: [primaryKey, secondaryKey] }: Candidate) {
  const authentication = { type: 'sas', symmetricKey: { primaryKey, secondaryKey } } as const
  const known = core.registry.get(deviceId)
  if (!known) return core.registry.create({ deviceId, authentication })
  if (JSON.stringify(known.authentication) === JSON.stringify(authentication)) return known
  return core.registry.update({ deviceId, status: known.status, statusReason: known.statusReason, authentication })
}
