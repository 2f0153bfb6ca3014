import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CoreOptions, openCore } from '../../core/open-core.ts'
import type { HubCore, NewEvent } from '../../types.ts'
import { type ServiceSide, startServiceSide } from '../service-side.ts'

/** A hub without its device side, on free ports. */
export interface TestHub {
  core: HubCore
  side: ServiceSide
  dataDir: string
  /** Connection string of the built-in endpoint, or of a plain event hub. */
  eventHub(entity?: string): string
  /** Of the service policy; `host` may carry a port. */
  service(host: string): string
  /** Closes both; with `keep` the data folder stays. */
  stop(keep?: boolean): Promise<void>
}

export interface TestHubOptions extends Partial<CoreOptions> {
  amqpPort?: number
}

export async function startTestHub({ amqpPort = 0, ...options }: TestHubOptions = {}): Promise<TestHub> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'millrace-hub-')))
  const core = await openCore({ ...options, dataDir })
  const side = await startServiceSide(core, { host: '127.0.0.1', amqpPort, amqpsPort: 0, httpsPort: 0 })
  const policy = core.policies.find(({ name }) => name === 'iothubowner')!
  const key = `SharedAccessKeyName=${policy.name};SharedAccessKey=${policy.primaryKey}`
  return {
    core,
    side,
    dataDir,
    eventHub: (entity = core.name) =>
      `Endpoint=sb://127.0.0.1:${side.amqpPort};${key};UseDevelopmentEmulator=true;EntityPath=${entity}`,
    service: (host) => `HostName=${host};${key}`,
    async stop(keep = false) {
      await side.stop()
      await core.close()
      if (!keep) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** An event as the device side appends it. */
export function telemetry(deviceId: string, value: unknown, more: Partial<NewEvent> = {}): NewEvent {
  return {
    partition: { key: deviceId },
    body: Buffer.from(JSON.stringify(value)),
    properties: { kind: 'summaries', site: 'hall' },
    annotations: {
      'iothub-connection-device-id': deviceId,
      'iothub-connection-auth-generation-id': '638000000000000000',
      'iothub-connection-auth-method': '{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
      'iothub-enqueuedtime': 1_767_323_045_678,
      'iothub-message-source': 'Telemetry',
    },
    message: { message_id: 'm-1', content_type: 'application/json', content_encoding: 'utf-8' },
    ...more,
  }
}
