import { pluginSet, type Source } from '@millrace/pipeline'
import { brokerSource, mqttSource } from '@millrace/transports'
import type { CollectContext } from './context.ts'
import { hostSensor } from './host.ts'
import { iioSensor } from './iio.ts'
import { hubCollector } from './iot-hub.ts'
import { oneWireSensor } from './one-wire.ts'

export type { PolledSource, SensorState } from './polled-source.ts'
export { several } from './several.ts'

/** Every way for device messages to reach the agent. */
export const collectors = pluginSet<CollectContext, Source>([brokerSource, mqttSource, hubCollector])

/** Sensors of this machine itself; any number of them beside the collector. */
export const sensors = pluginSet([oneWireSensor, iioSensor, hostSensor])
