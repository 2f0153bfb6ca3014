import { z } from 'zod'
import { HubError } from '../../hub-error.ts'
import type { Device, DeviceAuthentication, HubCore, NewDevice } from '../../types.ts'

const text = z.string().nullish()

const authenticationSchema = z.object({
  type: text,
  symmetricKey: z.object({ primaryKey: text, secondaryKey: text }).nullish(),
  x509Thumbprint: z.object({ primaryThumbprint: text, secondaryThumbprint: text }).nullish(),
})

/** A device as clients send it: with everything they read, of which the hub takes what may be set. */
export const deviceSchema = z.object({
  deviceId: z.string().optional(),
  status: z.preprocess(lower, z.enum(['enabled', 'disabled'])).nullish(),
  statusReason: text,
  authentication: authenticationSchema.nullish(),
})

/** The kinds of the JSON of bulk operations begin with capitals. */
function lower(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value
}

/** What the hub shows for a moment that never was. */
const never = '0001-01-01T00:00:00Z'

function isoOf(ms: number | undefined): string {
  return ms === undefined ? never : new Date(ms).toISOString()
}

/** What a service reads: no secret is left out, as at the real registry. */
export function deviceBody(core: Pick<HubCore, 'links' | 'commands'>, device: Device): Record<string, unknown> {
  const { deviceId, generationId, etag, status, statusReason, statusUpdatedMs, authentication } = device
  const link = core.links.get(deviceId)
  return {
    deviceId,
    generationId,
    etag,
    connectionState: link ? 'Connected' : 'Disconnected',
    status,
    statusReason,
    connectionStateUpdatedTime: isoOf(link?.connectedMs),
    statusUpdatedTime: isoOf(statusUpdatedMs),
    lastActivityTime: isoOf(link?.lastActivityMs),
    cloudToDeviceMessageCount: core.commands.waiting(deviceId),
    authentication: {
      symmetricKey: { primaryKey: null, secondaryKey: null },
      x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
      ...authentication,
    },
    capabilities: { iotEdge: false },
  }
}

type AuthenticationText = z.infer<typeof authenticationSchema>

function selfSigned({ x509Thumbprint }: AuthenticationText): DeviceAuthentication {
  const { primaryThumbprint, secondaryThumbprint } = x509Thumbprint ?? {}
  return {
    type: 'selfSigned',
    x509Thumbprint: { primaryThumbprint: primaryThumbprint ?? '', secondaryThumbprint: secondaryThumbprint ?? '' },
  }
}

function sas({ symmetricKey }: AuthenticationText, before: DeviceAuthentication | undefined): DeviceAuthentication {
  const old = before?.type === 'sas' ? before.symmetricKey : { primaryKey: '', secondaryKey: '' }
  const primaryKey = symmetricKey?.primaryKey || old.primaryKey
  const secondaryKey = symmetricKey?.secondaryKey || old.secondaryKey
  return { type: 'sas', symmetricKey: { primaryKey, secondaryKey } }
}

function authenticationOf(given: AuthenticationText, before: DeviceAuthentication | undefined): DeviceAuthentication {
  const type = given.type ?? (given.x509Thumbprint?.primaryThumbprint ? 'selfSigned' : 'sas')
  if (type === 'selfSigned') return selfSigned(given)
  if (type === 'sas') return sas(given, before)
  throw new HubError('ArgumentInvalid', `authentication.type is sas or selfSigned here, not ${type}`)
}

/** What a body asks for. Keys that it leaves empty stay as they were before. */
export function newDeviceOf(deviceId: string, body: unknown, before?: Device): NewDevice {
  const parsed = deviceSchema.safeParse(body)
  if (!parsed.success) throw new HubError('ArgumentInvalid', z.prettifyError(parsed.error).replaceAll('\n', ' '))
  const { data } = parsed
  if (data.deviceId !== undefined && data.deviceId !== deviceId) {
    throw new HubError('ArgumentInvalid', `the body is of device ${data.deviceId}, the path of ${deviceId}`)
  }
  return {
    deviceId,
    status: data.status ?? 'enabled',
    statusReason: data.statusReason ?? null,
    authentication: authenticationOf(data.authentication ?? {}, before?.authentication),
  }
}
