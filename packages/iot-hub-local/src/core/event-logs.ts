import type { Clock } from '@millrace/pipeline'
import type { Spool } from '@millrace/spool'
import type { EventLog, EventLogs } from '../types.ts'
import { DiskLog, type LogPlace } from './event-log.ts'
import { Partition } from './partition.ts'

export interface LogsOptions {
  spool: Spool
  clock: Clock
  builtIn: { name: string; partitions: number }
}

const headSql = `SELECT p.partition, p.next_sequence, p.next_offset, p.last_offset, p.last_enqueued_ms,
  (SELECT min(sequence) FROM hub_events e WHERE e.log = p.log AND e.partition = p.partition)
  FROM hub_partitions p WHERE p.log = ?`

async function headsOf(spool: Spool, { id, partitions }: LogPlace): Promise<Partition[]> {
  const rows = await spool.read(headSql, [id])
  const heads = Array.from({ length: partitions }, () => {
    return new Partition({ first: 0, next: 0, nextOffset: 0, lastOffset: -1, lastEnqueuedMs: 0 })
  })
  for (const row of rows) {
    const [partition, next, nextOffset, lastOffset, lastEnqueuedMs] = row.map(Number) as number[]
    const first = row[5] === null ? next! : Number(row[5])
    heads[partition!] = new Partition({
      first,
      next: next!,
      nextOffset: nextOffset!,
      lastOffset: lastOffset!,
      lastEnqueuedMs: lastEnqueuedMs!,
    })
  }
  return heads
}

/** Every event log of the hub, by name; names differ also when their case is ignored. */
export class DiskLogs implements EventLogs {
  readonly builtIn: EventLog
  readonly #logs = new Map<string, DiskLog>()
  readonly #opening = new Map<string, Promise<DiskLog>>()
  readonly #options: LogsOptions

  private constructor(options: LogsOptions, logs: readonly DiskLog[]) {
    this.#options = options
    for (const log of logs) this.#logs.set(log.name.toLowerCase(), log)
    this.builtIn = logs[0]!
  }

  static async open(options: LogsOptions): Promise<DiskLogs> {
    const { spool, clock, builtIn } = options
    await spool.write([
      {
        sql: 'INSERT INTO hub_logs VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING',
        rows: [[builtIn.name, builtIn.partitions, clock.now()]],
      },
    ])
    const rows = await spool.read('SELECT id, name, partitions, created_ms FROM hub_logs ORDER BY id')
    const logs: DiskLog[] = []
    for (const [id, name, partitions, createdMs] of rows) {
      const place = { id: Number(id), name: String(name), partitions: Number(partitions), createdMs: Number(createdMs) }
      logs.push(new DiskLog(place, await headsOf(spool, place), options))
    }
    return new DiskLogs(options, logs)
  }

  all(): readonly DiskLog[] {
    return [...this.#logs.values()]
  }

  async open(name: string, partitions: number): Promise<EventLog> {
    const key = name.toLowerCase()
    const known = this.#logs.get(key) ?? this.#opening.get(key)
    if (known !== undefined) return known
    const made = this.#make(name, partitions)
    this.#opening.set(key, made)
    try {
      const log = await made
      this.#logs.set(key, log)
      return log
    } finally {
      this.#opening.delete(key)
    }
  }

  async #make(name: string, partitions: number): Promise<DiskLog> {
    const { spool, clock } = this.#options
    const createdMs = clock.now()
    const sql = 'INSERT INTO hub_logs (name, partitions, created_ms) VALUES (?, ?, ?)'
    await spool.write([{ sql, rows: [[name, partitions, createdMs]] }])
    const [row] = await spool.read('SELECT id FROM hub_logs WHERE name = ?', [name])
    const place = { id: Number(row?.[0]), name, partitions, createdMs }
    return new DiskLog(place, await headsOf(spool, place), this.#options)
  }
}
