import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

const usual = getCACertificates('default')

/** What NODE_EXTRA_CA_CERTS does at the start of a process. */
export function trust(caFile: string): void {
  setDefaultCACertificates([...usual, readFileSync(caFile, 'utf8')])
}

interface HasOptions {
  _restApiClient: { setOptions(options: { http: { agent: Agent } }): void }
}

/**
 * The SDK calls port 443 and nothing else. Here many hubs run on free ports, so its agent, whose options go before
 * those of a request, is told another place; users run the hub on 443.
 */
export function onPort<Client>(client: Client, port: number): Client {
  const { _restApiClient: rest } = client as HasOptions
  rest.setOptions({ http: { agent: new Agent({ keepAlive: true, host: 'localhost', port }) } })
  return client
}
