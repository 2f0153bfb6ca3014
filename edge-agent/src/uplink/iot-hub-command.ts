import { isName } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import type { HubCommand } from '@millrace/transports'

/** `commands/{site}/{device}`, from the properties `site` and `device` of a cloud-to-device message. */
export function commandOf({ body, properties }: HubCommand): Message {
  const { site = '', device = '' } = properties
  if (!isName(site) || !isName(device)) {
    throw new Error('a command needs the properties `site` and `device`, each a name of 1 to 64 of A-Z a-z 0-9 . _ : -')
  }
  return { topic: `commands/${site}/${device}`, body, qos: 1 }
}
