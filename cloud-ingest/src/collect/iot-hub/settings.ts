import { hubReaderSettings } from '@millrace/transports'
import { z } from 'zod'

export const iotHubSettings = hubReaderSettings.extend({
  /** What devices send themselves is a dead letter, or is left to an agent that reads the same hub. */
  directDevices: z.enum(['set-aside', 'agent']).default('set-aside'),
})
export type IotHubSettings = z.output<typeof iotHubSettings>
