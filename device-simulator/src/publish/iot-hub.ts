import { definePlugin, type Logger } from '@millrace/pipeline'
import { createIotHubLink, iotHubSettings } from '@millrace/transports'
import type { PublishContext, Publisher } from './publisher.ts'

const prefix = 'telemetry/'

/** Of a topic of the contract: whose readings a message holds. The hub itself vouches for the device. */
function namesIn(topic: string): { site: string; device: string } {
  const [site = '', device = ''] = topic.slice(prefix.length).split('/')
  return { site, device }
}

/** One of very many: that it is connected is news to nobody. */
function withoutNews(log: Logger): Logger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.debug(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
  }
}

/** A device of an IoT Hub with a connection of its own: what the hub did not acknowledge is sent again. */
export const iotHubPublisher = definePlugin<typeof iotHubSettings, PublishContext, Publisher>({
  type: 'iot-hub',
  settings: iotHubSettings,
  create(settings, { clientId, log }) {
    const link = createIotHubLink(settings, { log: withoutNews(log) })
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
