import type { ReceivedEventData } from '@azure/event-hubs'
import { decodeBody, rawBody } from './body.ts'
import { foreignText } from './foreign-text.ts'

/** An event as the hub's client hands it on, as far as it is read here; bodies come as bytes. */
export type RawEvent = Pick<
  ReceivedEventData,
  'body' | 'properties' | 'systemProperties' | 'sequenceNumber' | 'enqueuedTimeUtc'
>

type Values = Readonly<Record<string, unknown>> | undefined

/** Names of properties compare without case at a hub. */
function textOf(values: Values, name: string): string | undefined {
  if (values === undefined) return undefined
  const wanted = name.toLowerCase()
  const key = name in values ? name : Object.keys(values).find((other) => other.toLowerCase() === wanted)
  return key === undefined ? undefined : foreignText(values[key])
}

/** What somebody sent to a hub. */
export class HubEvent {
  readonly #raw: RawEvent
  /** In UTF-8; as it came where `readable` is false. */
  readonly body: Uint8Array
  /** False where the body is not what its content encoding says, or much too large. */
  readonly readable: boolean

  constructor(raw: RawEvent, maxBodyBytes: number) {
    this.#raw = raw
    const bytes = rawBody(raw.body)
    const decoded = decodeBody(bytes, { encoding: textOf(raw.systemProperties, 'contentEncoding'), maxBodyBytes })
    this.body = decoded ?? bytes
    this.readable = decoded !== undefined
  }

  /** The device by the hub's own word; undefined of an event hub that has no devices. */
  get deviceId(): string | undefined {
    return textOf(this.#raw.systemProperties, 'iothub-connection-device-id')
  }

  /** Number of the event in its partition. */
  get sequence(): number {
    return this.#raw.sequenceNumber
  }

  /** When the hub took it, epoch ms; never falls within a partition. */
  get enqueuedMs(): number {
    return this.#raw.enqueuedTimeUtc.getTime()
  }

  /** What the sender wrote beside the body. */
  property(name: string): string | undefined {
    return textOf(this.#raw.properties, name)
  }
}

/** True for what the hub itself says of its devices, such as that one connected. */
export function isOfHubItself({ systemProperties }: RawEvent): boolean {
  const source = textOf(systemProperties, 'iothub-message-source')
  return source !== undefined && source.toLowerCase() !== 'telemetry'
}
