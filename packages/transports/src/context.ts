import type { Clock, Logger } from '@millrace/pipeline'

/** What every source and sink of this package is created with. */
export interface TransportContext {
  clock: Clock
  log: Logger
  /** Told once a part that listens knows its address; the port matters where 0 was configured. */
  listening?: (address: { host: string; port: number }) => void
  /** MQTT filters of messages that are wanted beside those of the settings. */
  topics?: readonly string[]
  /** True where a device that signed in under this name may publish on a topic that is not its telemetry. */
  mayPublish?: (user: string, topic: string) => boolean
  /** Names this instance to a foreign broker, the same after every restart. */
  clientId?: string
}
