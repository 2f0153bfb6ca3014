import { type Clock, SpoolFullError } from '@millrace/pipeline'
import type { Spool, SqlValue, Statement } from '@millrace/spool'
import { HubError } from '../hub-error.ts'
import type { EventLog, LogEvent, NewEvent, PartitionInfo, StartPosition } from '../types.ts'
import type { Partition } from './partition.ts'
import { partitionOf } from './partition-of.ts'

export interface LogPlace {
  id: number
  name: string
  partitions: number
  createdMs: number
}

interface Pending {
  events: readonly NewEvent[]
  resolve(): void
  reject(error: unknown): void
}

/** Where a partition ends within a commit that is being put together. */
interface Head {
  sequence: number
  offset: number
  lastOffset: number
}

const maxGroupBytes = 8 * 1024 * 1024
const insertEvent = 'INSERT INTO hub_events VALUES (?, ?, ?, ?, ?, ?, ?, ?)'
const savePartition = `INSERT INTO hub_partitions VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  next_sequence = excluded.next_sequence, next_offset = excluded.next_offset,
  last_offset = excluded.last_offset, last_enqueued_ms = excluded.last_enqueued_ms`

function eventOf(row: readonly SqlValue[]): LogEvent {
  const [partition, sequence, offset, enqueuedMs, key, head, body] = row
  const { properties, annotations, message } = JSON.parse(head as string) as Omit<NewEvent, 'partition' | 'body'>
  return {
    partition: Number(partition),
    sequence: Number(sequence),
    offset: String(offset),
    enqueuedMs: Number(enqueuedMs),
    partitionKey: key as string | null,
    body: body as Uint8Array,
    properties,
    annotations,
    message,
  }
}

/** An EventLog whose rows are in the hub's file. One commit is under way at a time; what comes meanwhile shares the next. */
export class DiskLog implements EventLog {
  readonly id: number
  readonly name: string
  readonly partitions: number
  readonly createdMs: number
  readonly #spool: Spool
  readonly #clock: Clock
  readonly #heads: readonly Partition[]
  #pending: Pending[] = []
  #running = false

  constructor(place: LogPlace, heads: readonly Partition[], { spool, clock }: { spool: Spool; clock: Clock }) {
    this.id = place.id
    this.name = place.name
    this.partitions = place.partitions
    this.createdMs = place.createdMs
    this.#heads = heads
    this.#spool = spool
    this.#clock = clock
  }

  async append(events: readonly NewEvent[]): Promise<void> {
    // Judged here, alone: in the commit it would take its neighbours along.
    for (const { partition } of events) if ('number' in partition) this.#head(partition.number)
    const done = new Promise<void>((resolve, reject) => this.#pending.push({ events, resolve, reject }))
    if (!this.#running) void this.#run()
    await done
  }

  info(partition: number): PartitionInfo {
    return this.#head(partition).info()
  }

  async locate(partition: number, position: StartPosition): Promise<number> {
    const head = this.#head(partition)
    if ('at' in position) return position.at === 'earliest' ? head.firstSequence : head.nextSequence
    if ('sequence' in position) return Math.max(head.firstSequence, position.sequence + (position.inclusive ? 0 : 1))
    const [column, value] =
      'offset' in position ? ['offset', Number(position.offset)] : ['enqueued_ms', position.enqueuedMs]
    const operator = position.inclusive ? '>=' : '>'
    const [row] = await this.#spool.read(
      `SELECT sequence FROM hub_events WHERE log = ? AND partition = ? AND ${column} ${operator} ? ORDER BY sequence LIMIT 1`,
      [this.id, partition, value as number],
    )
    return row === undefined ? head.nextSequence : Number(row[0])
  }

  async read(partition: number, sequence: number, limits: { events: number; bytes: number }): Promise<LogEvent[]> {
    const head = this.#head(partition)
    const from = Math.max(sequence, head.firstSequence)
    if (head.nextSequence <= from) return []
    // The end by sequence is what keeps SQLite from looking at every later row: it cannot know that offsets only grow.
    const rows = await this.#spool.read(
      `SELECT partition, sequence, offset, enqueued_ms, key, head, body FROM hub_events
       WHERE log = ?1 AND partition = ?2 AND sequence >= ?3 AND sequence < ?4 AND offset <= ?5 + (
         SELECT offset FROM hub_events WHERE log = ?1 AND partition = ?2 AND sequence >= ?3 ORDER BY sequence LIMIT 1)
       ORDER BY sequence`,
      [this.id, partition, from, from + limits.events, limits.bytes],
    )
    return rows.map(eventOf)
  }

  waitFor(partition: number, sequence: number, signal: AbortSignal): Promise<void> {
    return this.#head(partition).waitFor(sequence, signal)
  }

  /** Deletes what was enqueued before, a bounded number at a time; returns how many. */
  async dropBefore(enqueuedMs: number, atMost: number): Promise<number> {
    let dropped = 0
    for (const [partition, head] of this.#heads.entries()) {
      const located = await this.locate(partition, { enqueuedMs, inclusive: true })
      const end = Math.min(located, head.firstSequence + atMost)
      if (end <= head.firstSequence) continue
      const sql = 'DELETE FROM hub_events WHERE log = ? AND partition = ? AND sequence < ?'
      await this.#spool.write([{ sql, rows: [[this.id, partition, end]] }], { reserve: true })
      dropped += end - head.firstSequence
      head.firstSequence = end
    }
    return dropped
  }

  #head(partition: number): Partition {
    const head = this.#heads[partition]
    if (head === undefined) throw new HubError('ArgumentInvalid', `${this.name} has no partition ${partition}`)
    return head
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#pending.length > 0) await this.#settle(this.#takeGroup())
    this.#running = false
  }

  async #settle(group: readonly Pending[]): Promise<void> {
    try {
      await this.#commit(group.flatMap(({ events }) => events))
      for (const { resolve } of group) resolve()
    } catch (error) {
      const full = error instanceof SpoolFullError
      const refusal = full ? new HubError('ServiceUnavailable', "the hub's disk space is used up") : error
      for (const { reject } of group) reject(refusal)
    }
  }

  #takeGroup(): Pending[] {
    let bytes = 0
    const end = this.#pending.findIndex(({ events }) => {
      bytes += events.reduce((sum, { body }) => sum + body.length, 0)
      return bytes > maxGroupBytes
    })
    return this.#pending.splice(0, end < 0 ? this.#pending.length : Math.max(1, end))
  }

  async #commit(events: readonly NewEvent[]): Promise<void> {
    const now = this.#clock.now()
    const heads = new Map<number, Head>()
    const rows = events.map((event) => this.#row(event, { now, heads }))
    const saved = Array.from(heads, ([partition, { sequence, offset, lastOffset }]) => {
      return [this.id, partition, sequence, offset, lastOffset, this.#enqueuedMs(partition, now)]
    })
    const statements: Statement[] = [
      { sql: insertEvent, rows },
      { sql: savePartition, rows: saved },
    ]
    await this.#spool.write(statements)
    for (const [partition, { sequence, offset, lastOffset }] of heads) {
      const head = this.#heads[partition]!
      head.lastEnqueuedMs = this.#enqueuedMs(partition, now)
      head.nextSequence = sequence
      head.nextOffset = offset
      head.lastOffset = lastOffset
      head.wake()
    }
  }

  #row(event: NewEvent, { now, heads }: { now: number; heads: Map<number, Head> }): SqlValue[] {
    const key = 'key' in event.partition ? event.partition.key : null
    const partition = 'number' in event.partition ? event.partition.number : partitionOf(key!, this.partitions)
    const { nextSequence, nextOffset, lastOffset } = this.#head(partition)
    const head = heads.get(partition) ?? { sequence: nextSequence, offset: nextOffset, lastOffset }
    heads.set(partition, head)
    const { properties, annotations, message, body } = event
    const text = JSON.stringify({ properties, annotations, message })
    const row = [this.id, partition, head.sequence, head.offset, this.#enqueuedMs(partition, now), key, text, body]
    head.sequence += 1
    head.lastOffset = head.offset
    head.offset += text.length + body.length
    return row
  }

  #enqueuedMs(partition: number, now: number): number {
    return Math.max(this.#heads[partition]!.lastEnqueuedMs, now)
  }
}
