import { maxBodyBytes } from '@millrace/contracts'
import type { Logger, Meters } from '@millrace/pipeline'
import { type HubReader, openHubReader, readEventHub } from '@millrace/transports'
import type { CloudLink } from '../../cloud-link.ts'
import type { IotHubSettings } from './settings.ts'
import { createTaker, type TakerContext } from './taker.ts'

const advice =
  'devices send their own readings to this hub, which are set aside (direct-device): let an agent collect from the hub, ' +
  'see docs/iot-hub-direct.md, and then set collect.directDevices to agent'

/** Reads what agents send to a hub. There is no way back to them, and none is needed: a hub keeps what it acknowledged. */
export async function openHubLink(
  settings: IotHubSettings,
  { log, meters }: { log: Logger; meters: Meters },
): Promise<CloudLink> {
  const passed = meters.counter('hub_events_passed_over_total', 'Events that are not for the ingest')
  const gap = meters.counter('hub_events_lost_total', 'Events that the hub deleted before they were read')
  const { identity, directDevices } = settings
  const passedOver = (events: number) => passed.inc(events)
  let receive: TakerContext['receive'] = async () => false
  let advised = false
  const directDevice = () => {
    if (!advised) log.warn({}, advice)
    advised = true
  }
  const reader: HubReader = await openHubReader({
    ...{ settings, address: readEventHub(settings), log, maxBodyBytes, passedOver },
    open: (partition) => createTaker({ log: partition, identity, directDevices, receive, directDevice, passedOver }),
    lost: (events) => gap.inc(events),
  })
  return {
    async start(toReceive) {
      receive = toReceive
      reader.start()
    },
    isShared: settings.checkpoints.type === 'blob',
    publish: async () => undefined,
    onConnect: (callback) => reader.onSolved(callback),
    problem: () => reader.problem(),
    stop: () => reader.stop(),
  }
}
