import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Registry } from 'azure-iothub'
import type { TestHub } from './hub.ts'

const usual = getCACertificates('default')

/** What NODE_EXTRA_CA_CERTS does at the start of a process. */
export function trust(hub: TestHub): void {
  setDefaultCACertificates([...usual, hub.core.certificate.ca])
}

interface HasOptions {
  _restApiClient: { setOptions(options: { http: { agent: Agent } }): void }
}

/**
 * The SDK calls port 443 and nothing else. Here many hubs run on free ports, so its agent, whose options go before
 * those of a request, is given another port; users run the hub on 443.
 */
export function onPort<Client>(client: Client, hub: TestHub): Client {
  const agent = new Agent({ keepAlive: true, port: hub.side.httpsPort, ca: readFileSync(hub.core.certificate.caFile) })
  const { _restApiClient: rest } = client as HasOptions
  rest.setOptions({ http: { agent } })
  return client
}

export function registryOf(hub: TestHub, connection = hub.service('localhost')): Registry {
  return onPort(Registry.fromConnectionString(connection), hub)
}
