import { type Core, type CoreOptions, openCore } from './core/open-core.ts'
import { startDeviceSide } from './device/device-side.ts'
import type { HubLimits } from './device/limits.ts'
import { type Provisioning, provisioningOf } from './device/provisioning.ts'
import { startServiceSide } from './service/service-side.ts'
import type { Device, HubCore } from './types.ts'

/** Ports; 0 is any free one. */
export interface HubPorts {
  /** MQTT on TLS. Default 8883. */
  mqtt: number
  /** AMQP on TLS, for cloud-to-device messages of `azure-iothub`. Default 5671. */
  amqps: number
  /** AMQP in clear, for `@azure/event-hubs` with UseDevelopmentEmulator=true. Default 5672. */
  amqp: number
  /** REST, and MQTT and AMQP over WebSocket. Default 8443; Microsoft's SDKs call 443 and nothing else. */
  https: number
}

export interface LocalHubOptions extends CoreOptions {
  /** Default 127.0.0.1. Every door asks for tokens or certificates. */
  host?: string
  ports?: Partial<HubPorts>
  limits?: HubLimits
  /** Default: kept in the data folder, with one group made at the first start. */
  provisioning?: Partial<Provisioning>
  /** Plain event hubs beside the built-in endpoint; one that exists keeps its partitions. */
  eventHubs?: readonly { name: string; partitions: number }[]
}

/** Ready to paste. */
export interface ConnectionStrings {
  /** For `azure-iothub`, may do everything. */
  iothubowner: string
  /** For `azure-iothub`: methods, twins and messages, not the registry. */
  service: string
  /** For `@azure/event-hubs`: the built-in endpoint. */
  eventHub: string
}

export interface LocalHub {
  readonly core: HubCore
  /** The authority that clients must trust, in PEM. */
  readonly caFile: string
  readonly ports: HubPorts
  readonly connectionStrings: ConnectionStrings
  readonly provisioning: Provisioning
  /** Of a device with a symmetric key, ready to paste; made where the registry has none by this id. */
  deviceConnectionString(deviceId: string): Promise<string>
  /** Safe twice. */
  stop(): Promise<void>
}

const defaultPorts: HubPorts = { mqtt: 8883, amqps: 5671, amqp: 5672, https: 8443 }

function deviceString(hostName: string, { deviceId, authentication }: Device): string {
  const start = `HostName=${hostName};DeviceId=${deviceId}`
  if (authentication.type === 'selfSigned') return `${start};x509=true`
  return `${start};SharedAccessKey=${authentication.symmetricKey.primaryKey}`
}

/** What clients call the hub. */
function publicHost({ hostNames = [] }: LocalHubOptions): string {
  return hostNames[0] ?? 'localhost'
}

function connectionStrings(core: HubCore, ports: HubPorts, host: string): ConnectionStrings {
  const keyOf = (name: string) => {
    const policy = core.policies.find((candidate) => candidate.name === name)
    return `SharedAccessKeyName=${name};SharedAccessKey=${policy?.primaryKey}`
  }
  const hostName = ports.amqps === defaultPorts.amqps ? host : `${host}:${ports.amqps}`
  const endpoint = `Endpoint=sb://${host}:${ports.amqp}`
  return {
    iothubowner: `HostName=${hostName};${keyOf('iothubowner')}`,
    service: `HostName=${hostName};${keyOf('service')}`,
    eventHub: `${endpoint};${keyOf('service')};UseDevelopmentEmulator=true;EntityPath=${core.name}`,
  }
}

/** Opens one door after the other; `closing` gets what has to be closed again. */
async function openDoors(core: Core, options: LocalHubOptions, closing: (() => Promise<void>)[]) {
  const { host = '127.0.0.1', limits = {} } = options
  const wanted = { ...defaultPorts, ...options.ports }
  const provisioning = await provisioningOf(core, options.provisioning)
  for (const { name, partitions } of options.eventHubs ?? []) await core.events.open(name, partitions)
  const devices = await startDeviceSide(core, {
    host,
    mqttPort: wanted.mqtt,
    limits,
    provisioning: async (port) => ({ core, provisioning, assignedHub: `${publicHost(options)}:${port}` }),
  })
  closing.push(devices.stop)
  const { amqp: amqpPort, amqps: amqpsPort, https: httpsPort } = wanted
  const services = await startServiceSide(core, { host, amqpPort, amqpsPort, httpsPort, onUpgrade: devices.upgrade })
  closing.push(services.stop)
  const { amqpPort: amqp, amqpsPort: amqps, httpsPort: https } = services
  return { provisioning, ports: { mqtt: devices.mqttPort, https, amqp, amqps } }
}

/** Runs a hub in this process until `stop`; a hub that cannot open all its doors opens none. */
export async function startLocalHub(options: LocalHubOptions): Promise<LocalHub> {
  const core = await openCore(options)
  const closing: (() => Promise<void>)[] = [core.close]
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const { provisioning, ports } = await openDoors(core, options, closing)
    return {
      core,
      caFile: core.certificate.caFile,
      ports,
      connectionStrings: connectionStrings(core, ports, publicHost(options)),
      provisioning,
      async deviceConnectionString(deviceId) {
        const device = core.registry.get(deviceId) ?? (await core.registry.create({ deviceId }))
        return deviceString(`${publicHost(options)}:${ports.mqtt}`, device)
      },
      stop: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
