import { pluginSet } from '@millrace/pipeline'
import type { CloudLink } from '../cloud-link.ts'
import { iotHubCollector } from './iot-hub.ts'
import { type CollectContext, mqttCollector } from './mqtt.ts'

export const collectors = pluginSet<CollectContext, CloudLink>([mqttCollector, iotHubCollector])
