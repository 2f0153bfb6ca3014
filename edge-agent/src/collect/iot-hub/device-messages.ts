import { isName, type MessageKind, messageKinds, type SetAsideReason } from '@millrace/contracts'
import type { Message } from '@millrace/pipeline'
import type { HubEvent } from '@millrace/transports'
import type { CollectContext } from '../context.ts'
import { IdPattern, type NamedDevice } from './id-pattern.ts'
import type { HubCollectorSettings } from './settings.ts'

type Settings = Pick<HubCollectorSettings, 'deviceIds' | 'site' | 'device' | 'topic' | 'identity'>

const ofContract = 'telemetry/{site}/{device}'

/** What agents send; it is the ingest's. */
function isOfAgent(event: HubEvent): boolean {
  const kind = event.property('kind')
  return kind !== undefined && messageKinds.includes(kind as MessageKind) && event.property('site') !== undefined
}

/** Makes of an event what its device would have published on the agent's own broker. */
export class DeviceMessages {
  readonly #settings: Settings
  readonly #ids: IdPattern
  readonly #site: string
  readonly #mayPublish: (device: string, topic: string) => boolean

  constructor(settings: Settings, { site, mayPublish }: Pick<CollectContext, 'site' | 'mayPublish'>) {
    this.#settings = settings
    this.#ids = new IdPattern(settings.deviceIds)
    this.#site = settings.site ?? site
    this.#mayPublish = mayPublish ?? (() => false)
  }

  /** Undefined for what agents send. `partition` stands for the topic of what cannot be told whose it is. */
  read(event: HubEvent, partition: string): Message | undefined {
    if (isOfAgent(event)) return undefined
    const { body } = event
    const refuse = (topic: string, reason: SetAsideReason): Message => ({ topic, body, qos: 1, refused: reason })
    const named = this.#nameOf(event)
    if (named === undefined) return refuse(partition, 'identity')
    const { device, site = event.property('site') ?? this.#site } = named
    if (!isName(device) || !isName(site)) return refuse(partition, 'bad-name')
    const fill = (text: string) => text.replaceAll('{site}', site).replaceAll('{device}', device)
    const home = fill(ofContract)
    if (!event.readable) return refuse(home, 'bad-body')
    const topic = fill(this.#settings.topic)
    // A decoder could make another device of it than the one that the hub vouches for.
    if (topic !== home && !this.#mayPublish(device, topic)) return refuse(home, 'bad-topic')
    return { topic, body, qos: 1 }
  }

  /** By the hub's word; where there are no devices, by the sender's. */
  #nameOf(event: HubEvent): NamedDevice | undefined {
    const { identity, device } = this.#settings
    const { deviceId } = event
    if (deviceId !== undefined) return this.#ids.read(deviceId)
    if (identity === 'hub') return undefined
    const told = event.property('device') ?? device
    return told === undefined ? undefined : { device: told }
  }
}
