import { readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { MillraceError, readSecret, UnreachableError, UsageError } from '@millrace/pipeline'
import { readHubPlaces, serviceConnectionFile } from '@millrace/transports'

/** What `azure-iothub` is used for, as it answers. */
export interface HubRegistry {
  addDevices(devices: NewHubDevice[]): Promise<{ responseBody: unknown }>
  get(deviceId: string): Promise<{ responseBody: { authentication?: { symmetricKey?: { primaryKey?: string } } } }>
}

export interface NewHubDevice {
  deviceId: string
  status: 'enabled'
  authentication: { symmetricKey: { primaryKey: string; secondaryKey: string } }
}

interface HasOptions {
  _restApiClient: { setOptions(options: { http: { agent: Agent } }): void }
}

/** `azure-iothub` is loaded here and nowhere else: whoever registers nothing needs nothing of it. */
async function loadSdk() {
  try {
    return (await import('azure-iothub')).default
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const hint = 'Install it with `npm install` at the root.'
    throw new MillraceError('package-missing', "Microsoft's service SDK for IoT Hub is not installed", { cause, hint })
  }
}

/** Host without port of a service's connection string. Throws a UsageError without the text, which is a secret. */
function hostOf(text: string, path: string): string {
  const host = /(?:^|;)HostName=([^;:]+)/i.exec(text)?.[1]
  if (host && /SharedAccessKeyName=/i.test(text)) return host
  const expected = 'the connection string of a policy that may write the registry: HostName=...;SharedAccessKeyName=...'
  throw new UsageError('the connection string of the service cannot be used', [
    { path, found: 'another text', expected },
  ])
}

export interface OpenRegistry {
  /** Of the hub, without a port. */
  host: string
  registry: HubRegistry
}

/** The registry of the hub whose `service.connection` is in the folder. */
export async function openRegistry(folder: string): Promise<OpenRegistry> {
  const { ca, https } = readHubPlaces(folder, 'iotHub')
  const file = serviceConnectionFile(folder)
  const text = readSecret(file, 'iotHub')
  const host = hostOf(text, file)
  const { Registry } = await loadSdk()
  const registry = Registry.fromConnectionString(text.replace(/HostName=[^;]+/i, `HostName=${host}`))
  if (ca !== undefined || https !== undefined) {
    // The SDK calls port 443 whatever the string says; the options of an agent go before those of a request.
    const place = { keepAlive: true, host, ...(https === undefined ? {} : { port: https }) }
    const trust = ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') }
    const rest = registry as unknown as HasOptions
    rest._restApiClient.setOptions({ http: { agent: new Agent({ ...place, ...trust }) } })
  }
  return { host, registry: registry as unknown as HubRegistry }
}

/** What a registry's refusal means to the user. */
export function explainRegistryFailure(error: unknown, folder: string): Error {
  const { name = '', message = '', code } = error as { name?: string; message?: string; code?: string }
  const file = serviceConnectionFile(folder)
  if (/Unauthorized|Forbidden/i.test(name)) {
    const found = `a key that the hub refuses (${message})`
    const expected = 'the connection string of a policy with RegistryWrite, such as iothubowner or registryReadWrite'
    return new UsageError('the registry of the hub may not be written', [{ path: file, found, expected }], {
      cause: error,
    })
  }
  const network = /ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(
    `${code ?? ''} ${message}`,
  )
  if (!network) return error instanceof Error ? error : new Error(String(error))
  const hint = `Is the host of ${file} right, and its certificate trusted (ca.crt in the same folder)?`
  return new UnreachableError(`the registry of the hub cannot be reached: ${message}`, { hint, cause: error })
}
