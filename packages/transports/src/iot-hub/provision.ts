import type { ProvisioningDeviceClient } from 'azure-iot-provisioning-device'
import { loadProvisioningSdk } from './sdk.ts'
import type { ProvisioningIdentity } from './settings.ts'
import type { AssignedHub } from './types.ts'

type Security = Parameters<typeof ProvisioningDeviceClient.create>[3]

/** Asks the provisioning service which hub the device belongs to; rejects with the error of the SDK. */
export async function askProvisioning(
  { host, idScope, registrationId, key }: ProvisioningIdentity,
  ca: string | undefined,
): Promise<AssignedHub> {
  const { device, wire, symmetric, base } = await loadProvisioningSdk()
  const connection = new base.MqttBase()
  // The transport itself has no setting for authorities.
  if (ca !== undefined) connection.setOptions({ ca })
  const transport = new wire.Mqtt(connection as unknown as ConstructorParameters<typeof wire.Mqtt>[0])
  // Without a listener a connection that breaks between two requests would end the process.
  transport.on('error', () => undefined)
  // The packages carry copies of one another, whose types differ by name alone.
  const security = new symmetric.SymmetricKeySecurityClient(registrationId, key) as unknown as Security
  const client = device.ProvisioningDeviceClient.create(host, idScope, transport, security)
  const { assignedHub, deviceId } = (await client.register()) as { assignedHub: string; deviceId: string }
  return { host: assignedHub, deviceId }
}
