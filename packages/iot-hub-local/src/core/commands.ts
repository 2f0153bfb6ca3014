import { randomUUID } from 'node:crypto'
import type { Clock } from '@millrace/pipeline'
import type { Spool, Statement } from '@millrace/spool'
import { HubError } from '../hub-error.ts'
import type { CommandOutcome, Commands, Device, Feedback, NewCommand } from '../types.ts'
import type { GroupCommit } from './group-commit.ts'

const maxBytes = 64 * 1024
const maxWaiting = 50
const maxDeliveries = 10
const oneHourMs = 3_600_000

/** A cloud-to-device message in a device's queue. */
export interface QueuedCommand extends NewCommand {
  id: number
  expiresMs: number
  deliveries: number
}

export interface CommandsOptions {
  commit: GroupCommit
  clock: Clock
  device(deviceId: string): Device | undefined
  onWaiting(deviceId: string): void
}

const insert = 'INSERT INTO hub_commands VALUES (?, ?, ?, 0, ?, ?)'
const remove = 'DELETE FROM hub_commands WHERE id = ?'

/** Cloud-to-device messages: bodies in memory and on disk, for they are few. */
export class DiskCommands implements Commands {
  readonly #options: CommandsOptions
  readonly #spool: Spool
  readonly #queues = new Map<string, QueuedCommand[]>()
  readonly #listeners = new Set<() => void>()
  #nextId = 1

  private constructor(spool: Spool, options: CommandsOptions) {
    this.#spool = spool
    this.#options = options
  }

  static async open(spool: Spool, options: CommandsOptions): Promise<DiskCommands> {
    const commands = new DiskCommands(spool, options)
    const rows = await spool.read('SELECT id, device, expires_ms, deliveries, head, body FROM hub_commands ORDER BY id')
    for (const [id, device, expiresMs, deliveries, head, body] of rows) {
      const command = { id: Number(id), expiresMs: Number(expiresMs), deliveries: Number(deliveries) }
      const parts = JSON.parse(head as string) as Omit<NewCommand, 'body'>
      commands.#queue(device as string).push({ ...command, ...parts, body: body as Uint8Array })
    }
    const [last] = await spool.read("SELECT seq FROM sqlite_sequence WHERE name = 'hub_commands'")
    commands.#nextId = Number(last?.[0] ?? 0) + 1
    return commands
  }

  async send(deviceId: string, command: NewCommand): Promise<void> {
    if (!this.#options.device(deviceId)) throw new HubError('DeviceNotFound', `there is no device ${deviceId}`)
    if (command.body.length > maxBytes) throw new HubError('MessageTooLarge', 'a message for a device is at most 64 KB')
    await this.expire(deviceId)
    const queue = this.#queue(deviceId)
    if (queue.length >= maxWaiting) {
      throw new HubError('DeviceMaximumQueueDepthExceeded', `${maxWaiting} messages wait for ${deviceId} already`)
    }
    const message = { message_id: randomUUID(), ...command.message }
    const expiresMs = message.absolute_expiry_time || this.#options.clock.now() + oneHourMs
    const queued = { ...command, message, id: this.#nextId++, expiresMs, deliveries: 0 }
    queue.push(queued)
    const { properties, feedback } = command
    const head = JSON.stringify({ message, properties, feedback })
    await this.#options.commit.write([{ sql: insert, rows: [[queued.id, deviceId, expiresMs, head, command.body]] }])
    this.#options.onWaiting(deviceId)
  }

  waiting(deviceId: string): number {
    return this.#queues.get(deviceId)?.length ?? 0
  }

  async purge(deviceId: string): Promise<number> {
    const queue = this.#queues.get(deviceId) ?? []
    const purged = [...queue]
    await this.#finish(deviceId, purged, 'Purged')
    return purged.length
  }

  /** What the device has not taken yet, oldest first, with the expired and the often refused gone. */
  async queued(deviceId: string): Promise<readonly QueuedCommand[]> {
    await this.expire(deviceId)
    return this.#queues.get(deviceId) ?? []
  }

  /** Counted before it is sent, so that a message that kills its device is given up at some time. */
  async delivering(command: QueuedCommand): Promise<void> {
    command.deliveries += 1
    const sql = 'UPDATE hub_commands SET deliveries = ? WHERE id = ?'
    await this.#options.commit.write([{ sql, rows: [[command.deliveries, command.id]] }])
  }

  async complete(deviceId: string, command: QueuedCommand): Promise<void> {
    await this.#finish(deviceId, [command], 'Success')
  }

  async expire(deviceId: string): Promise<void> {
    const now = this.#options.clock.now()
    const queue = this.#queues.get(deviceId) ?? []
    const expired = queue.filter(({ expiresMs }) => expiresMs <= now)
    const refused = queue.filter(({ expiresMs, deliveries }) => expiresMs > now && deliveries >= maxDeliveries)
    if (expired.length > 0) await this.#finish(deviceId, expired, 'Expired')
    if (refused.length > 0) await this.#finish(deviceId, refused, 'DeliveryCountExceeded')
  }

  /** Of every queue. */
  async expireAll(): Promise<void> {
    for (const deviceId of this.#queues.keys()) await this.expire(deviceId)
  }

  async feedback(limit: number): Promise<Feedback[]> {
    const rows = await this.#spool.read('SELECT id, json FROM hub_feedback ORDER BY id LIMIT ?', [limit])
    return rows.map(([id, json]) => ({ id: Number(id), ...(JSON.parse(json as string) as Omit<Feedback, 'id'>) }))
  }

  async settle(upToId: number): Promise<void> {
    await this.#options.commit.write([{ sql: 'DELETE FROM hub_feedback WHERE id <= ?', rows: [[upToId]] }])
  }

  onFeedback(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #queue(deviceId: string): QueuedCommand[] {
    const queue = this.#queues.get(deviceId) ?? []
    this.#queues.set(deviceId, queue)
    return queue
  }

  async #finish(deviceId: string, commands: readonly QueuedCommand[], outcome: CommandOutcome): Promise<void> {
    const queue = this.#queues.get(deviceId) ?? []
    const left = queue.filter((command) => !commands.includes(command))
    if (left.length === 0) this.#queues.delete(deviceId)
    else this.#queues.set(deviceId, left)
    const wanted = commands.filter(({ feedback }) => wants(feedback, outcome))
    const told = wanted.map((command) => [JSON.stringify(this.#feedbackOf(deviceId, command, outcome))])
    const statements: Statement[] = [{ sql: remove, rows: commands.map(({ id }) => [id]) }]
    if (told.length > 0) statements.push({ sql: 'INSERT INTO hub_feedback (json) VALUES (?)', rows: told })
    await this.#options.commit.write(statements)
    if (told.length > 0) for (const listener of this.#listeners) listener()
  }

  #feedbackOf(deviceId: string, { message }: QueuedCommand, outcome: CommandOutcome): Omit<Feedback, 'id'> {
    return {
      originalMessageId: message.message_id ?? '',
      deviceId,
      deviceGenerationId: this.#options.device(deviceId)?.generationId ?? '',
      outcome,
      atMs: this.#options.clock.now(),
    }
  }
}

function wants(feedback: NewCommand['feedback'], outcome: CommandOutcome): boolean {
  return feedback === 'full' || feedback === (outcome === 'Success' ? 'positive' : 'negative')
}
