import { pluginSet } from '@millrace/pipeline'
import { iotHubPublisher } from './iot-hub.ts'
import { mqttPublisher } from './mqtt.ts'

/** Every way to publish. */
export const publishers = pluginSet([mqttPublisher, iotHubPublisher])

export { createLane, type Feed, type Lane, type Outgoing } from './lane.ts'
export type { Publisher } from './publisher.ts'
