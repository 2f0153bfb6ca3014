import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { describeError, type Logger, UsageError } from '@millrace/pipeline'
import { deviceConnectionFile, readHubPlaces } from '@millrace/transports'
import type { DevicePlan } from './device.ts'
import { type Publisher, publishers } from './publish/index.ts'

/** A hub takes so many new connections a second in its smallest tier. */
const connectEveryMs = 20
const shown = 5

/** Name of a device at the hub: there may be one of a name on each site. */
export function hubDeviceId({ site, device }: Pick<DevicePlan, 'site' | 'device'>): string {
  return `${site}:${device}`
}

function demandConnections(folder: string, ids: readonly string[]): void {
  const missing = ids.filter((id) => !existsSync(deviceConnectionFile(folder, id)))
  if (missing.length === 0) return
  const some = missing.slice(0, shown).join(', ')
  const found = `no connection string of ${some}${missing.length > shown ? ` and ${missing.length - shown} more` : ''}`
  const expected = 'a connection string of each device: --register makes the devices and writes them'
  throw new UsageError('devices of the fleet are not registered', [{ path: 'iotHub', found, expected }])
}

/** One after the other, so that a large fleet is not throttled at its start. */
function starting(publisher: Publisher, index: number, log: Logger): Publisher {
  if (index === 0) return publisher
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    publisher.start().catch((error: unknown) => log.error({ error: describeError(error) }, 'a device cannot connect'))
  }
  return {
    start: async () => {
      timer = setTimeout(start, index * connectEveryMs)
    },
    publish: (message) => publisher.publish(message),
    get connected() {
      return publisher.connected
    },
    get repeats() {
      return publisher.repeats
    },
    stop() {
      clearTimeout(timer)
      return publisher.stop()
    },
  }
}

/** A connection for each device, in their order. Throws a UsageError that names the devices that are not registered. */
export async function createHubPublishers(
  folder: string,
  plans: readonly DevicePlan[],
  log: Logger,
): Promise<Publisher[]> {
  const { ca, gateway } = readHubPlaces(folder, 'iotHub')
  const ids = plans.map(hubDeviceId)
  demandConnections(folder, ids)
  const run = `simulate-${randomBytes(4).toString('hex')}`
  const place = { ...(ca === undefined ? {} : { ca }), ...(gateway === undefined ? {} : { gateway }) }
  return await Promise.all(
    ids.map(async (id, index) => {
      const given = { type: 'iot-hub', connectionStringFile: deviceConnectionFile(folder, id), ...place }
      const publisher = await publishers.create(publishers.schema.parse(given), { clientId: `${run}.${index}`, log })
      return starting(publisher, index, log)
    }),
  )
}
