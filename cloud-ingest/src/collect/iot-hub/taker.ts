import { parseCloudTopic, spooledKinds } from '@millrace/contracts'
import { pause } from '@millrace/pipeline'
import type { HubEvent, TakeEvents } from '@millrace/transports'
import type { CloudMessage } from '../../cloud-link.ts'
import { type EventContext, readEvent } from './hub-message.ts'

const retryMs = 1_000

export interface TakerContext extends EventContext {
  /** True once the message is on disk or needs no keeping. */
  receive(message: CloudMessage): Promise<boolean>
  /** Told of every message of a device that sends its own readings. */
  directDevice(): void
  /** Events that an agent reads. */
  passedOver(events: number): void
}

const isKept = ({ topic, setAside }: CloudMessage) => {
  const kind = parseCloudTopic(topic)?.kind
  return setAside !== undefined || (kind !== undefined && spooledKinds.includes(kind))
}

/** Takes the events of one partition into the spool, each with its place, until all are there. */
export function createTaker(context: TakerContext): TakeEvents {
  let lastPlaced: number | undefined
  const read = (event: HubEvent): CloudMessage[] => {
    const message = readEvent(event, context)
    if (message === undefined) {
      context.passedOver(1)
      return []
    }
    if (message.setAside?.reason === 'direct-device') context.directDevice()
    if (!isKept(message)) return [message]
    const { sequence, enqueuedMs } = event
    const first = lastPlaced === undefined ? sequence : lastPlaced + 1
    lastPlaced = sequence
    return [{ ...message, place: { log: context.log, first, sequence, atMs: enqueuedMs } }]
  }
  return async (events, signal) => {
    let rest = events.flatMap(read)
    while (!signal.aborted) {
      const kept = await Promise.all(rest.map((message) => context.receive(message)))
      rest = rest.filter((_message, index) => !kept[index])
      if (rest.length === 0) return !signal.aborted
      await pause(retryMs, signal).catch(() => undefined)
    }
    return false
  }
}
