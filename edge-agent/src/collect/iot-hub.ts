import { definePlugin, type Source } from '@millrace/pipeline'
import type { CollectContext } from './context.ts'
import { checkCollector, hubCollectorSettings } from './iot-hub/settings.ts'
import { HubSource } from './iot-hub/source.ts'

/** Devices that send their own readings to an IoT Hub, a plain event hub or a Fabric Eventstream. */
export const hubCollector = definePlugin({
  type: 'iot-hub',
  settings: hubCollectorSettings,
  create(settings, context: CollectContext): Promise<Source> {
    checkCollector(settings)
    return HubSource.open(settings, context)
  },
})
