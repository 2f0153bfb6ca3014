import { definePlugin } from '@millrace/pipeline'
import type { CloudLink } from '../cloud-link.ts'
import { iotHubSettings, readEventHub } from './iot-hub/settings.ts'
import type { CollectContext } from './mqtt.ts'

/** The built-in endpoint of an IoT Hub, a plain event hub, or whatever else speaks its protocol. */
export const iotHubCollector = definePlugin({
  type: 'iot-hub',
  settings: iotHubSettings,
  async create(settings, context: CollectContext): Promise<CloudLink> {
    const address = readEventHub(settings)
    const { openHubLink } = await import('./iot-hub/link.ts')
    return await openHubLink(settings, { ...context, address })
  },
})
