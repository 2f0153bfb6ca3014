import type { ReceivedEventData } from '@azure/event-hubs'
import { parseCloudTopic, spooledKinds } from '@millrace/contracts'
import { pause } from '@millrace/pipeline'
import type { CloudMessage } from '../../cloud-link.ts'
import { type EventContext, readEvent } from './hub-message.ts'

/** Bytes of one partition that wait for a commit at once; the rest stays with the hub. */
const maxWaitingBytes = 4 * 1024 * 1024

export interface PartitionOptions extends EventContext {
  /** True once the message is on disk or needs no keeping. */
  receive(message: CloudMessage): Promise<boolean>
  /** Saves how far it is read. */
  save(event: ReceivedEventData): Promise<void>
  /** Events between the last one taken and the first one there is. */
  lost(events: number): void
  /** Events of the hub itself, which are passed over. */
  passedOver(events: number): void
  /** Number of the last event before, where it is known. */
  after: number | undefined
  retryMs: number
}

const isKept = ({ topic, setAside }: CloudMessage) => {
  const kind = parseCloudTopic(topic)?.kind
  return setAside !== undefined || (kind !== undefined && spooledKinds.includes(kind))
}

function* slices(events: readonly ReceivedEventData[]): Generator<readonly ReceivedEventData[]> {
  let [from, bytes] = [0, 0]
  for (const [index, { body }] of events.entries()) {
    const size = (body as { byteLength?: number } | null)?.byteLength ?? 0
    if (index > from && bytes + size > maxWaitingBytes) {
      yield events.slice(from, index)
      ;[from, bytes] = [index, 0]
    }
    bytes += size
  }
  if (from < events.length) yield events.slice(from)
}

/**
 * One partition from when it is claimed until it is given up. Events are handed on in order, and none is asked for
 * before the ones at hand are on disk; so what may be saved as read is always the last event taken.
 */
export class Partition {
  private readonly options: PartitionOptions
  private readonly ending = new AbortController()
  private lastSeen: number | undefined
  private lastPlaced: number | undefined
  private taken: ReceivedEventData | undefined
  private saved: ReceivedEventData | undefined
  private saving: Promise<void> = Promise.resolve()

  constructor(options: PartitionOptions) {
    this.options = options
    this.lastSeen = options.after
  }

  /** Resolves once all of them are on disk, or the partition has been given up. */
  async take(events: readonly ReceivedEventData[]): Promise<void> {
    for (const slice of slices(events)) {
      const messages = slice.flatMap((event) => this.read(event))
      this.options.passedOver(slice.length - messages.length)
      if (!(await this.keep(messages))) return
      this.taken = slice.at(-1)
    }
  }

  /** Saves how far it is read, unless that is saved. */
  async save(): Promise<void> {
    this.saving = this.saving.then(async () => {
      const taken = this.taken
      if (taken === undefined || taken === this.saved) return
      await this.options.save(taken)
      this.saved = taken
    })
    const saving = this.saving
    this.saving = saving.catch(() => undefined)
    await saving
  }

  /** Nothing more is handed on. Where somebody else has the partition now, nothing may be saved either. */
  end({ lost }: { lost: boolean }): void {
    this.ending.abort()
    if (lost) this.saved = this.taken
  }

  private read(event: ReceivedEventData): CloudMessage[] {
    const { sequenceNumber: sequence, enqueuedTimeUtc } = event
    if (this.lastSeen !== undefined && sequence > this.lastSeen + 1) this.options.lost(sequence - this.lastSeen - 1)
    this.lastSeen = sequence
    const message = readEvent(event, this.options)
    if (message === undefined) return []
    if (!isKept(message)) return [message]
    const first = this.lastPlaced === undefined ? sequence : this.lastPlaced + 1
    this.lastPlaced = sequence
    return [{ ...message, place: { log: this.options.log, first, sequence, atMs: enqueuedTimeUtc.getTime() } }]
  }

  private async keep(messages: readonly CloudMessage[]): Promise<boolean> {
    const { signal } = this.ending
    let rest = messages
    while (!signal.aborted) {
      const kept = await Promise.all(rest.map((message) => this.options.receive(message)))
      rest = rest.filter((_message, index) => !kept[index])
      if (rest.length === 0) return !signal.aborted
      await pause(this.options.retryMs, signal).catch(() => undefined)
    }
    return false
  }
}
