import { definePlugin } from '@millrace/pipeline'
import { createMqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import type { PublishContext, Publisher } from './publisher.ts'

/** To an MQTT broker, QoS 1: what is not acknowledged is sent again after a reconnect. */
export const mqttPublisher = definePlugin<typeof mqttSettings, PublishContext, Publisher>({
  type: 'mqtt',
  settings: mqttSettings,
  create(settings, { clientId, log }) {
    const link = createMqttLink({ ...readMqttAddress(settings), clientId, log })
    let repeats = 0
    let stopping = false
    link.onLost(() => {
      if (!stopping) repeats += link.outstanding
    })
    return {
      start: () => link.start(),
      publish: (message) => link.publish(message),
      stop() {
        stopping = true
        return link.stop()
      },
      get connected() {
        return link.connected
      },
      get repeats() {
        return repeats
      },
    }
  },
})
