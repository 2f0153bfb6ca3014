import { definePlugin } from '@millrace/pipeline'
import { createIotHubLink, iotHubSettings } from '@millrace/transports'
import type { PublishContext, Publisher } from './publisher.ts'

const prefix = 'telemetry/'

/** Of a topic of the contract: whose readings a message holds. The hub itself vouches for the device. */
function namesIn(topic: string): { site: string; device: string } {
  const [site = '', device = ''] = topic.slice(prefix.length).split('/')
  return { site, device }
}

/** A device of an IoT Hub with a connection of its own: what the hub did not acknowledge is sent again. */
export const iotHubPublisher = definePlugin<typeof iotHubSettings, PublishContext, Publisher>({
  type: 'iot-hub',
  settings: iotHubSettings,
  create(settings, { clientId, log }) {
    // One of very many: that it is connected says nothing to anybody.
    const link = createIotHubLink(settings, { log: { ...log, info: log.debug } })
    let sent = 0
    return {
      start: () => link.start(),
      publish({ topic, body }) {
        const names = { contentType: 'application/json', contentEncoding: 'utf-8', properties: namesIn(topic) }
        return link.send({ body, messageId: `${clientId}.${sent++}`, ...names })
      },
      get connected() {
        return link.connected
      },
      get repeats() {
        return link.state.repeats
      },
      stop: () => link.stop(),
    }
  },
})
