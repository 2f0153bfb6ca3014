import { nameSchema } from '@millrace/contracts'
import { UsageError } from '@millrace/pipeline'
import { hubReaderSettings } from '@millrace/transports'
import { z } from 'zod'
import { IdPattern } from './id-pattern.ts'

const idPattern = z.string().superRefine((text, context) => {
  const message = IdPattern.problem(text)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const topic = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.includes('{device}'), 'a topic with {device} in it: the device is whom the hub names')
  .refine((text) => !/[#+]/.test(text), 'a topic, not a filter: without + and #')

/** A hub whose devices send their own readings, as it stands in the config file. */
export const hubCollectorSettings = hubReaderSettings.extend({
  /** In files below the agent's dataDir unless set. */
  checkpoints: hubReaderSettings.shape.checkpoints.optional(),
  /** How the devices are called at the hub: {device}, and {site} where ids hold it. */
  deviceIds: idPattern.default('{device}'),
  /** Of devices whose id and property `site` name none; the agent's own unless set. */
  site: nameSchema.optional(),
  /** With `identity: sender`, of events without the property `device`. */
  device: nameSchema.optional(),
  /** What the decoders take the messages for; another one for those of `decode`. */
  topic: topic.default('telemetry/{site}/{device}'),
})
export type HubCollectorSettings = z.output<typeof hubCollectorSettings>

/** Throws a UsageError that names settings that do not fit together. */
export function checkCollector({ device, identity }: HubCollectorSettings): void {
  if (device === undefined || identity === 'sender') return
  const expected = '`identity: sender`, since at an IoT Hub every event has its device'
  throw new UsageError('the settings of the hub do not fit together', [
    { path: 'collect.device', found: device, expected },
  ])
}
