import { createRequire } from 'node:module'

// Microsoft's provisioning client, which takes its authority from NODE_EXTRA_CA_CERTS and nowhere else.
const require = createRequire(import.meta.url)
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device')
const { Mqtt } = require('azure-iot-provisioning-device-mqtt')
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key')

const [host, idScope, registrationId, key] = process.argv.slice(2)
const client = ProvisioningDeviceClient.create(
  host,
  idScope,
  new Mqtt(),
  new SymmetricKeySecurityClient(registrationId, key),
)
try {
  console.log(JSON.stringify(await client.register()))
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }))
}
