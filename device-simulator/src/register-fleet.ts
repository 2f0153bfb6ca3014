import { randomBytes } from 'node:crypto'
import { MillraceError } from '@millrace/pipeline'
import { writeDeviceConnections } from '@millrace/transports'
import { z } from 'zod'
import type { DevicePlan } from './device.ts'
import { hubDeviceId } from './hub-devices.ts'
import { explainRegistryFailure, type HubRegistry, type NewHubDevice, openRegistry } from './hub-registry.ts'

/** Most devices that a hub takes in one call. */
const maxBulk = 100
const keyBytes = 32

export interface Registered {
  made: number
  known: number
}

const key = () => randomBytes(keyBytes).toString('base64')

/** Makes those that are not there; gives the key of each. */
async function keysOf(registry: HubRegistry, ids: readonly string[]) {
  const devices = ids.map((deviceId) => {
    const symmetricKey = { primaryKey: key(), secondaryKey: key() }
    return { deviceId, status: 'enabled' as const, authentication: { symmetricKey } }
  })
  const errors = await refusedOf(registry, devices)
  const keys = new Map(
    devices.map(({ deviceId, authentication }) => [deviceId, authentication.symmetricKey.primaryKey]),
  )
  for (const { deviceId, errorCode, errorStatus } of errors) {
    if (!/AlreadyExists/i.test(`${errorCode} ${errorStatus}`)) {
      throw new MillraceError(
        'check-failed',
        `the hub does not take the device ${deviceId}: ${errorCode} ${errorStatus}`,
      )
    }
    keys.set(deviceId, await knownKey(registry, deviceId))
  }
  return { keys, known: errors.length }
}

const bulkSchema = z.object({
  errors: z.array(z.object({ deviceId: z.string(), errorCode: z.unknown(), errorStatus: z.unknown() })).default([]),
})

/** A hub makes those it can and names the others, some in an answer and some in an error. */
async function refusedOf(registry: HubRegistry, devices: NewHubDevice[]) {
  try {
    return bulkSchema.parse((await registry.addDevices(devices)).responseBody).errors
  } catch (error) {
    const { responseBody } = error as { responseBody?: unknown }
    const told = bulkSchema.safeParse(parse(responseBody))
    if (told.data?.errors.length) return told.data.errors
    throw error
  }
}

function parse(body: unknown): unknown {
  try {
    return typeof body === 'string' ? JSON.parse(body) : body
  } catch {
    return undefined
  }
}

async function knownKey(registry: HubRegistry, deviceId: string): Promise<string> {
  const { authentication } = (await registry.get(deviceId)).responseBody
  const primary = authentication?.symmetricKey?.primaryKey
  if (primary) return primary
  const hint = 'Remove it from the hub, or give it a symmetric key there.'
  throw new MillraceError('check-failed', `the device ${deviceId} is at the hub already and has no key`, { hint })
}

/** Makes the devices of a fleet at the hub of the folder, and writes their connection strings there. */
export async function registerFleet(folder: string, plans: readonly DevicePlan[]): Promise<Registered> {
  const ids = plans.map(hubDeviceId)
  const { host, registry } = await openRegistry(folder)
  let knownBefore = 0
  try {
    for (let at = 0; at < ids.length; at += maxBulk) {
      const { keys, known } = await keysOf(registry, ids.slice(at, at + maxBulk))
      knownBefore += known
      const strings = [...keys].map(([deviceId, key]) => {
        return [deviceId, `HostName=${host};DeviceId=${deviceId};SharedAccessKey=${key}`] as const
      })
      writeDeviceConnections(folder, new Map(strings))
    }
  } catch (error) {
    throw explainRegistryFailure(error, folder)
  }
  return { made: ids.length - knownBefore, known: knownBefore }
}
