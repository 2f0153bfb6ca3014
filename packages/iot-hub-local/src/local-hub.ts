import type { CoreOptions } from './core/open-core.ts'
import { openCore } from './core/open-core.ts'
import { startDeviceSide } from './device/device-side.ts'
import type { HubLimits } from './device/limits.ts'
import { type Provisioning, provisioningOf } from './device/provisioning.ts'
import type { Device, HubCore } from './types.ts'

export interface LocalHubOptions extends CoreOptions {
  /** Default 127.0.0.1. */
  host?: string
  /** MQTT on TLS. Default 8883; 0 for any free port. */
  mqttPort?: number
  /** MQTT over WebSocket on TLS. Default 8884. */
  webSocketPort?: number
  limits?: HubLimits
  /** Default: kept in the data folder, with one group made at the first start. */
  provisioning?: Partial<Provisioning>
}

export interface LocalHub {
  readonly core: HubCore
  readonly caFile: string
  readonly ports: { mqtt: number; webSocket: number }
  readonly provisioning: Provisioning
  /** Of a device with a symmetric key, ready to paste; made where the registry has none by this id. */
  deviceConnectionString(deviceId: string): Promise<string>
  stop(): Promise<void>
}

function connectionString(hostName: string, { deviceId, authentication }: Device): string {
  const start = `HostName=${hostName};DeviceId=${deviceId}`
  if (authentication.type === 'selfSigned') return `${start};x509=true`
  return `${start};SharedAccessKey=${authentication.symmetricKey.primaryKey}`
}

/** Runs a hub in this process until `stop`. */
export async function startLocalHub(options: LocalHubOptions): Promise<LocalHub> {
  const { host = '127.0.0.1', mqttPort = 8883, webSocketPort = 8884, limits = {} } = options
  const core = await openCore(options)
  try {
    const provisioning = await provisioningOf(core, options.provisioning)
    const devices = await startDeviceSide(core, {
      host,
      mqttPort,
      webSocketPort,
      limits,
      provisioning: async (port) => ({ core, provisioning, assignedHub: `localhost:${port}` }),
    })
    return {
      core,
      caFile: core.certificate.caFile,
      ports: { mqtt: devices.mqttPort, webSocket: devices.webSocketPort },
      provisioning,
      async deviceConnectionString(deviceId) {
        const device = core.registry.get(deviceId) ?? (await core.registry.create({ deviceId }))
        return connectionString(`localhost:${devices.mqttPort}`, device)
      },
      async stop() {
        await devices.stop()
        await core.close()
      },
    }
  } catch (error) {
    await core.close()
    throw error
  }
}
