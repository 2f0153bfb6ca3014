import { pluginSet } from '@millrace/pipeline'
import { brokerSource, mqttSource } from '@millrace/transports'

/** Every way for device messages to reach the agent. */
export const collectors = pluginSet([brokerSource, mqttSource])
