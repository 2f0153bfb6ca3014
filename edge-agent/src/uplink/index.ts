import { pluginSet } from '@millrace/pipeline'
import { iotHubUplink } from './iot-hub.ts'
import { mqttUplink } from './mqtt.ts'

/** Every kind of uplink. */
export const uplinks = pluginSet([mqttUplink, iotHubUplink])

export { defaultStatusEveryMs } from './iot-hub.ts'
export type { Remote, SeriesName, WindowTimes } from './remote.ts'
export { covers, type OutboxMessage, Sender } from './sender.ts'
export type { SeriesFilter } from './series-filter.ts'
export {
  type Outgoing,
  statusEveryOf,
  type Uplink,
  type UplinkContext,
  type UplinkHandlers,
  type UplinkState,
} from './uplink.ts'
