import { cloudTopic, type MessageKind } from '@millrace/contracts'
import { definePlugin, type Logger, type Meters } from '@millrace/pipeline'
import { createMqttLink, mqttSettings, readMqttAddress } from '@millrace/transports'
import type { CloudLink } from '../cloud-link.ts'

export interface CollectContext {
  /** Names this ingest to the broker: two clients of one name end each other. */
  clientId: string
  log: Logger
  meters: Meters
}

const kinds: readonly MessageKind[] = ['summaries', 'readings', 'alerts', 'provisional', 'live', 'status']

/**
 * Subscribes with a clean session: the broker keeps nothing for an ingest that is away, and a receipt published on
 * every connect makes the agents repeat what is missing.
 */
export const mqttCollector = definePlugin({
  type: 'mqtt',
  settings: mqttSettings,
  create(settings, { clientId, log }: CollectContext): CloudLink {
    const link = createMqttLink({ ...readMqttAddress(settings), clientId, clean: true, log })
    return {
      async start(receive) {
        link.subscribe(
          kinds.map((kind) => cloudTopic({ site: '+', agent: '+', kind })),
          (message) => void receive(message),
        )
        await link.start()
      },
      publish: (message) => link.publish(message),
      onConnect: (callback) => link.onConnect(callback),
      problem() {
        if (link.connected) return undefined
        return `no connection to the broker at ${settings.url} (collect.url): ${link.lastError ?? 'not yet tried'}`
      },
      certificates: () => link.certificates,
      stop: () => link.stop(),
    }
  },
})
