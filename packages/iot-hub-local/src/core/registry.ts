import type { Clock } from '@millrace/pipeline'
import type { Spool } from '@millrace/spool'
import { HubError } from '../hub-error.ts'
import type { Device, DeviceAuthentication, NewDevice, Registry } from '../types.ts'
import type { GroupCommit } from './group-commit.ts'
import { isKey, newEtag, newKey } from './keys.ts'

const validId = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/
const validThumbprint = /^([0-9A-F]{40}|[0-9A-F]{64})?$/
const saveDevice = 'INSERT INTO hub_devices VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json'

export interface RegistryOptions {
  commit: GroupCommit
  clock: Clock
  /** Called when a device may no longer be connected with what it has. */
  onRevoked(deviceId: string, reason: string): void
  /** Called with the removal, before it is written. */
  onRemoved(deviceId: string): void
}

function thumbprint(text: string): string {
  const bare = text.replace(/[:\s]/g, '').toUpperCase()
  if (!validThumbprint.test(bare)) throw new HubError('ArgumentInvalid', 'a thumbprint is 40 or 64 hex digits')
  return bare
}

function key(text: string): string {
  if (text === '') return newKey()
  if (!isKey(text)) throw new HubError('ArgumentInvalid', 'a key is the base64 of 16 to 64 bytes')
  return text
}

function authenticationOf(given: DeviceAuthentication | undefined): DeviceAuthentication {
  if (given === undefined) return { type: 'sas', symmetricKey: { primaryKey: newKey(), secondaryKey: newKey() } }
  if (given.type === 'sas') {
    const { primaryKey, secondaryKey } = given.symmetricKey
    return { type: 'sas', symmetricKey: { primaryKey: key(primaryKey), secondaryKey: key(secondaryKey) } }
  }
  const { primaryThumbprint, secondaryThumbprint } = given.x509Thumbprint
  const x509Thumbprint = {
    primaryThumbprint: thumbprint(primaryThumbprint),
    secondaryThumbprint: thumbprint(secondaryThumbprint),
  }
  if (x509Thumbprint.primaryThumbprint === '')
    throw new HubError('ArgumentInvalid', 'the primary thumbprint is missing')
  return { type: 'selfSigned', x509Thumbprint }
}

/** The registry in memory and on disk. Memory changes first; the order of writes is the order of changes. */
export class DiskRegistry implements Registry {
  readonly #devices = new Map<string, Device>()
  readonly #options: RegistryOptions

  private constructor(options: RegistryOptions, devices: readonly Device[]) {
    this.#options = options
    for (const device of devices) this.#devices.set(device.deviceId, device)
  }

  static async open(spool: Spool, options: RegistryOptions): Promise<DiskRegistry> {
    const rows = await spool.read('SELECT json FROM hub_devices ORDER BY id')
    return new DiskRegistry(
      options,
      rows.map(([json]) => JSON.parse(json as string) as Device),
    )
  }

  get(deviceId: string): Device | undefined {
    return this.#devices.get(deviceId)
  }

  list(): readonly Device[] {
    return [...this.#devices.values()]
  }

  async create(device: NewDevice): Promise<Device> {
    if (!validId.test(device.deviceId)) throw new HubError('ArgumentInvalid', `not a device id: ${device.deviceId}`)
    if (this.#devices.has(device.deviceId)) {
      throw new HubError('DeviceAlreadyExists', `a device ${device.deviceId} exists already`)
    }
    const now = this.#options.clock.now()
    return this.#save({
      ...this.#judged(device),
      generationId: String(now * 10_000 + Math.floor(Math.random() * 10_000)),
      createdMs: now,
      statusUpdatedMs: now,
    })
  }

  async update(device: NewDevice, ifMatch?: string): Promise<Device> {
    const known = this.#matching(device.deviceId, ifMatch)
    const changed = this.#judged(device)
    const statusUpdatedMs = changed.status === known.status ? known.statusUpdatedMs : this.#options.clock.now()
    const saved = this.#save({ ...known, ...changed, statusUpdatedMs })
    const sameKeys = JSON.stringify(known.authentication) === JSON.stringify(changed.authentication)
    if (changed.status === 'disabled') this.#options.onRevoked(device.deviceId, 'the device was disabled')
    else if (!sameKeys) this.#options.onRevoked(device.deviceId, "the device's keys were changed")
    return saved
  }

  async remove(deviceId: string, ifMatch?: string): Promise<void> {
    this.#matching(deviceId, ifMatch)
    this.#devices.delete(deviceId)
    const written = this.#options.commit.write([
      { sql: 'DELETE FROM hub_devices WHERE id = ?', rows: [[deviceId]] },
      { sql: 'DELETE FROM hub_sessions WHERE id = ?', rows: [[deviceId]] },
    ])
    this.#options.onRemoved(deviceId)
    this.#options.onRevoked(deviceId, 'the device was removed')
    await written
  }

  #matching(deviceId: string, ifMatch: string | undefined): Device {
    const known = this.#devices.get(deviceId)
    if (known === undefined) throw new HubError('DeviceNotFound', `there is no device ${deviceId}`)
    if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== known.etag) {
      throw new HubError('PreconditionFailed', `the etag of ${deviceId} is ${known.etag}`)
    }
    return known
  }

  #judged({ deviceId, status = 'enabled', statusReason = null, authentication }: NewDevice) {
    return { deviceId, status, statusReason, authentication: authenticationOf(authentication), etag: newEtag() }
  }

  async #save(device: Device): Promise<Device> {
    this.#devices.set(device.deviceId, device)
    await this.#options.commit.write([{ sql: saveDevice, rows: [[device.deviceId, JSON.stringify(device)]] }])
    return device
  }
}
