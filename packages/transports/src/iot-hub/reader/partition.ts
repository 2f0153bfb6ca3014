import type { ReceivedEventData } from '@azure/event-hubs'
import { HubEvent, isOfHubItself } from './hub-event.ts'
import type { TakeEvents } from './types.ts'

/** Bytes of one partition that wait for a commit at once; the rest stays with the hub. */
const maxWaitingBytes = 4 * 1024 * 1024

export interface PartitionOptions {
  take: TakeEvents
  maxBodyBytes: number
  /** Saves how far it is read. */
  save(event: ReceivedEventData): Promise<void>
  /** Events between the last one taken and the first one there is. */
  lost(events: number): void
  /** Events of the hub itself, which are passed over. */
  passedOver(events: number): void
  /** Number of the last event before, where it is known. */
  after: number | undefined
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
  private taken: ReceivedEventData | undefined
  private saved: ReceivedEventData | undefined
  private saving: Promise<void> = Promise.resolve()

  constructor(options: PartitionOptions) {
    this.options = options
    this.lastSeen = options.after
  }

  /** Resolves once all of them are on disk, or the partition has been given up. */
  async take(events: readonly ReceivedEventData[]): Promise<void> {
    const { signal } = this.ending
    for (const slice of slices(events)) {
      if (signal.aborted) return
      const sent = slice.filter((event) => this.see(event))
      this.options.passedOver(slice.length - sent.length)
      const read = sent.map((event) => new HubEvent(event, this.options.maxBodyBytes))
      if (read.length > 0 && !(await this.options.take(read, signal))) return
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

  /** Notes a gap before the event; false for what the hub itself tells. */
  private see(event: ReceivedEventData): boolean {
    const { sequenceNumber: sequence } = event
    if (this.lastSeen !== undefined && sequence > this.lastSeen + 1) this.options.lost(sequence - this.lastSeen - 1)
    this.lastSeen = sequence
    return !isOfHubItself(event)
  }
}
