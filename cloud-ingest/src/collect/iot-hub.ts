import { definePlugin } from '@millrace/pipeline'
import type { CloudLink } from '../cloud-link.ts'
import { openHubLink } from './iot-hub/link.ts'
import { iotHubSettings } from './iot-hub/settings.ts'
import type { CollectContext } from './mqtt.ts'

/** The built-in endpoint of an IoT Hub, a plain event hub, or whatever else speaks its protocol. */
export const iotHubCollector = definePlugin({
  type: 'iot-hub',
  settings: iotHubSettings,
  create: (settings, context: CollectContext): Promise<CloudLink> => openHubLink(settings, context),
})
