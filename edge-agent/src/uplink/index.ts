import { pluginSet } from '@millrace/pipeline'
import { mqttUplink } from './mqtt.ts'

/** Every kind of uplink. */
export const uplinks = pluginSet([mqttUplink])

export { covers, type OutboxMessage, Sender } from './sender.ts'
export type { Outgoing, Uplink, UplinkContext, UplinkHandlers } from './uplink.ts'
