import { definePlugin } from '@millrace/pipeline'
import { createMqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import type { PublishContext, Publisher } from './publisher.ts'

/** To an MQTT broker, QoS 1: what is not acknowledged is sent again after a reconnect. */
export const mqttPublisher = definePlugin<typeof mqttSettings, PublishContext, Publisher>({
  type: 'mqtt',
  settings: mqttSettings,
  create: (settings, { clientId, log }) => createMqttLink({ ...readMqttAddress(settings), clientId, log }),
})
