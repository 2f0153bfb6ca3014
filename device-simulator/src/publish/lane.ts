import type { Message } from '@millrace/pipeline'
import { Heap } from '../heap.ts'
import type { Publisher } from './publisher.ts'

/** What is on the way at once, in messages of 1 KiB: enough for a far side that acknowledges in groups, and bounded. */
const maxOnTheWay = 512

/** A message on its way. */
export interface Outgoing {
  message: Message
  /** Called once: acknowledged, or given up because the simulator stops. */
  settled(acknowledged: boolean): void
}

/** Where messages come from, in the order they leave. */
export interface Feed {
  /** When the next message leaves, epoch ms; never earlier than before. */
  nextMs(): number
  /** The next message; undefined where there turns out to be nothing to say. */
  take(nowMs: number): Outgoing | undefined
}

/** All feeds that share one connection. */
export interface Lane {
  /** Publishes what leaves up to this time, as far as the far side keeps up. */
  pump(untilMs: number): void
  /** When the next message leaves, epoch ms. */
  nextMs(): number
  /** Messages handed to the connection, and those of them acknowledged or given up. */
  readonly published: number
  readonly settled: number
}

interface Entry {
  feed: Feed
  nextMs: number
}

export function createLane(publisher: Pick<Publisher, 'publish'>, feeds: readonly Feed[]): Lane {
  const heap = new Heap<Entry>((a, b) => a.nextMs - b.nextMs)
  for (const feed of feeds) heap.push({ feed, nextMs: feed.nextMs() })
  let published = 0
  let settledCount = 0
  let weight = 0
  let dueMs = Number.NEGATIVE_INFINITY

  const publish = ({ message, settled }: Outgoing) => {
    const messageWeight = Math.ceil(message.body.byteLength / 1024)
    published++
    weight += messageWeight
    const done = (acknowledged: boolean) => {
      settledCount++
      weight -= messageWeight
      settled(acknowledged)
      if (acknowledged) pump(dueMs)
    }
    publisher.publish(message).then(
      () => done(true),
      () => done(false),
    )
  }
  const pump = (untilMs: number) => {
    dueMs = untilMs
    for (let head = heap.peek(); head && head.nextMs <= untilMs && weight < maxOnTheWay; head = heap.peek()) {
      const outgoing = head.feed.take(untilMs)
      head.nextMs = head.feed.nextMs()
      heap.settle()
      if (outgoing) publish(outgoing)
    }
  }
  return {
    pump,
    nextMs: () => heap.peek()?.nextMs ?? Number.POSITIVE_INFINITY,
    get published() {
      return published
    },
    get settled() {
      return settledCount
    },
  }
}
