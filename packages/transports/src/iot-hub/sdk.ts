import type { Client, Message, Twin } from '@azure/iot-device'
import { type Logger, MillraceError } from '@millrace/pipeline'
import { guardedBase } from './guard.ts'

export type HubClient = Client
export type HubTwin = Twin

/** Microsoft's SDK as far as it is used here. */
export interface DeviceSdk {
  Client: typeof Client
  Message: typeof Message
  /** Constructor of the transport for a protocol. */
  transport: Parameters<typeof Client.fromConnectionString>[1]
}

/** What `npm install` and the Pi's installer are told. */
export const azurePackages = [
  '@azure/iot-device',
  'azure-iot-device-mqtt',
  'azure-iot-mqtt-base',
  'azure-iot-provisioning-device',
  'azure-iot-provisioning-device-mqtt',
  'azure-iot-security-symmetric-key',
] as const

export async function loadAzure<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const hint =
      'Install it: on a Raspberry Pi with `install.sh update --with-azure`, elsewhere with `npm install` at the root.'
    throw new MillraceError('package-missing', "Microsoft's SDK for IoT Hub is not installed", { cause, hint })
  }
}

/** Loads the SDK; rejects with a MillraceError `package-missing` that says how to install it. */
export function loadDeviceSdk(protocol: 'mqtt' | 'mqtt-ws', log: Logger): Promise<DeviceSdk> {
  return loadAzure(async () => {
    const [{ default: device }, { default: wire }, { default: base }] = await Promise.all([
      import('@azure/iot-device'),
      import('azure-iot-device-mqtt'),
      import('azure-iot-mqtt-base'),
    ])
    const Wire = protocol === 'mqtt' ? wire.Mqtt : wire.MqttWs
    class GuardedWire extends Wire {
      constructor(authentication: ConstructorParameters<typeof Wire>[0]) {
        super(authentication, guardedBase(base.MqttBase, log))
      }
    }
    // The wire's own copy of the device package has the same types under another name.
    const transport = GuardedWire as unknown as DeviceSdk['transport']
    return { Client: device.Client, Message: device.Message, transport }
  })
}

export function loadProvisioningSdk() {
  return loadAzure(async () => {
    const [{ default: device }, { default: wire }, { default: symmetric }, { default: base }] = await Promise.all([
      import('azure-iot-provisioning-device'),
      import('azure-iot-provisioning-device-mqtt'),
      import('azure-iot-security-symmetric-key'),
      import('azure-iot-mqtt-base'),
    ])
    return { device, wire, symmetric, base }
  })
}
