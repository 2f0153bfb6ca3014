import { z } from 'zod'
import { HubError } from '../../hub-error.ts'
import type { HubCore, Json, Twin, TwinPatch, TwinSection } from '../../types.ts'
import { deviceBody } from './device-body.ts'
import { knownDevice } from './routes.ts'

const patchSchema = z.object({
  tags: z.unknown().optional(),
  properties: z.object({ desired: z.unknown().optional() }).optional(),
})

function sectionBody({ values, metadata, version }: TwinSection): Record<string, Json> {
  return { ...values, $metadata: metadata, $version: version }
}

/** A twin as services read it. */
export function twinBody(core: HubCore, twin: Twin): Record<string, unknown> {
  const device = knownDevice(core, twin.deviceId)
  const shown = deviceBody(core, device)
  return {
    deviceId: twin.deviceId,
    etag: twin.etag,
    deviceEtag: device.etag,
    status: device.status,
    statusUpdateTime: shown.statusUpdatedTime,
    connectionState: shown.connectionState,
    lastActivityTime: shown.lastActivityTime,
    cloudToDeviceMessageCount: shown.cloudToDeviceMessageCount,
    authenticationType: device.authentication.type,
    x509Thumbprint: (shown.authentication as { x509Thumbprint: unknown }).x509Thumbprint,
    modelId: '',
    version: twin.version,
    tags: twin.tags,
    properties: { desired: sectionBody(twin.desired), reported: sectionBody(twin.reported) },
    capabilities: { iotEdge: false },
  }
}

/** What a body asks to change; reported properties are the device's own. */
export function twinPatchOf(body: unknown): TwinPatch {
  const parsed = patchSchema.safeParse(body)
  if (!parsed.success) throw new HubError('ArgumentInvalid', z.prettifyError(parsed.error).replaceAll('\n', ' '))
  const { tags, properties } = parsed.data
  const desired = properties?.desired
  return {
    ...(tags !== undefined && { tags: tags as Json }),
    ...(desired !== undefined && { desired: desired as Json }),
  }
}
