import type { MessageKind, Receipt } from '@millrace/contracts'
import { SpoolFullError } from '@millrace/pipeline'
import { deadLetters, journal, type Outbox, openSpool, outbox, type Spool, type Statement } from '@millrace/spool'
import { decodeEntry, encodeEntry } from '@millrace/windows'
import type { CheckpointRecord, CommitRecord, GivenUp, JournaledEntry, Recovered, SetLoader } from '../checkpoint.ts'
import { rolledBackTables } from './begin-anew.ts'
import { GivenUpNumbers } from './given-up.ts'
import { type InheritedMessages, inheritedTables, openInherited } from './inherited.ts'
import { letterStatements, readingsIn } from './letters.ts'
import { Lineage } from './lineage.ts'
import { lineageTables } from './lineage-rows.ts'
import { markStatements } from './marks.ts'
import { lossesOf, readRecovered, setLoader } from './queries.ts'
import { forgetRuleState, readRuleState, ruleTables, verdictStatements } from './rule-tables.ts'
import { setSpoolApart } from './set-apart.ts'
import {
  agentSchema,
  checkpointStatements,
  droppedStatements,
  laterTables,
  nameStatements,
  spoolVersions,
} from './tables.ts'

export interface AgentSpoolOptions {
  folder: string
  maxBytes: number
}

export interface SpoolState {
  bytes: number
  maxBytes: number
  outboxMessages: number
  outboxBytes: number
  /** When the oldest waiting message was made, epoch ms; null when none waits. */
  oldestOutboxMs: number | null
  /** Bytes of the sets kept for amendment. */
  setBytes: number
}

export interface MessageName {
  site: string
  seq: number
}

/** Rows per read of the journal: bounds memory at recovery. */
const replayRows = 64
/** Room that only checkpoints, receipts and the agent's own entries may use. */
export function reserveOf(maxBytes: number): number {
  return Math.min(64 * 1024 * 1024, Math.floor(maxBytes / 4))
}

/** What the agent holds on its own responsibility: journal, checkpoint, sets and outbox in one file. */
export class AgentSpool {
  readonly #spool: Spool
  readonly loader: SetLoader
  /** Writes since the start; each is flushed to the disk. */
  transactions = 0
  #lastEntry = 0

  #lineage: Lineage | undefined
  /** Messages of the spools that this one was a copy of. */
  inherited: readonly InheritedMessages[] = []
  readonly givenUp: GivenUpNumbers
  readonly #setApart: Spool['movedAside']

  constructor(spool: Spool, givenUp: GivenUpNumbers, setApart: Spool['movedAside'] = null) {
    this.#spool = spool
    this.givenUp = givenUp
    this.#setApart = setApart
    this.loader = setLoader(spool)
  }

  /** Rejects with a MillraceError where the folder is in use or holds the spool of another program or version. */
  static async open(options: AgentSpoolOptions, setApart: Spool['movedAside'] = null): Promise<AgentSpool> {
    const { folder, maxBytes } = options
    const schema = [...agentSchema, ...journal.schema, ...outbox.schema, ...deadLetters.schema]
    const reserveBytes = reserveOf(maxBytes)
    const about = { folder, application: 'edge-agent', ...spoolVersions, schema, maxBytes, reserveBytes }
    const spool = await openSpool(about)
    const write = (sqls: readonly string[]) =>
      spool.write(
        sqls.map((sql) => ({ sql, rows: [[]] })),
        { reserve: true },
      )
    await write([...laterTables, ...ruleTables, ...lineageTables, ...inheritedTables, ...rolledBackTables])
    // It only makes reading faster: a spool without room for it must open all the same.
    await write(outbox.later).catch((error: unknown) => {
      if (!(error instanceof SpoolFullError)) throw error
    })
    const agentSpool = new AgentSpool(spool, await GivenUpNumbers.open(spool), setApart)
    agentSpool.inherited = await openInherited(spool)
    return agentSpool
  }

  /** Begins a new spool beside one whose rows cannot be read; the old one stays in the folder for people. */
  async replace(options: AgentSpoolOptions, reason: string): Promise<AgentSpool> {
    await this.close()
    return await AgentSpool.open(options, { reason, to: setSpoolApart(options.folder, Date.now()) })
  }

  /** Notes this start and asks whose numbers these are; to be called before anything is journaled. */
  async beginStart(start: Parameters<typeof Lineage.begin>[1]): Promise<Lineage> {
    this.#lineage = await Lineage.begin(this.#spool, start)
    return this.#lineage
  }

  get name(): string {
    return this.#spool.name
  }

  get epoch(): string {
    return this.#spool.epoch
  }

  /** Set when a damaged spool was put aside at start and this one was begun. */
  get movedAside(): Spool['movedAside'] {
    return this.#setApart ?? this.#spool.movedAside
  }

  recover(): Promise<Recovered> {
    return readRecovered(this.#spool)
  }

  /** State of the rules as of the last checkpoint, by key. */
  ruleState(): Promise<ReadonlyMap<string, Uint8Array>> {
    return readRuleState(this.#spool)
  }

  async forgetRules(): Promise<void> {
    await this.#write([{ sql: forgetRuleState, rows: [[]] }], { reserve: true })
  }

  /** The file itself, for tables of others that share its transactions. */
  get file(): Spool {
    return this.#spool
  }

  /** Hands on every journaled entry that no checkpoint covers, in order. */
  async replay(apply: (entry: JournaledEntry) => void): Promise<number> {
    let replayed = 0
    for (;;) {
      const rows = await journal.readAfter(this.#spool, this.#lastEntry, replayRows)
      if (rows.length === 0) return replayed
      for (const { id, bytes } of rows) {
        apply({ id, entry: decodeEntry(bytes), bytes: bytes.byteLength })
        this.#lastEntry = id
      }
      replayed += rows.length
    }
  }

  /** Makes entries durable; with `reserve` also in a full spool. Rejects with SpoolFullError, and then nothing is kept. */
  async commit({ entries, names, setAside, ...more }: CommitRecord, reserve = false): Promise<JournaledEntry[]> {
    const { gaveUp = [], marks, replayed = [] } = more
    const journaled: JournaledEntry[] = []
    const statements: Statement[] = [...nameStatements(names), ...letterStatements(setAside), ...markStatements(marks)]
    statements.push(...replayed.flatMap(({ reason, nth }) => deadLetters.remove(reason, nth)))
    statements.push(...gaveUp.flatMap(({ site, seq }) => outbox.settle(site, -1, [[seq, seq]])))
    statements.push(...droppedStatements(gaveUp), ...this.givenUp.add(gaveUp, this.name))
    for (const entry of entries) {
      const bytes = encodeEntry(entry)
      const id = ++this.#lastEntry
      journaled.push({ id, entry, bytes: bytes.byteLength })
      statements.push(...journal.append(id, bytes), ...(this.#lineage?.kept(entry, bytes) ?? []))
    }
    if (statements.length > 0) await this.#write(statements, { reserve })
    return journaled
  }

  async checkpoint(record: CheckpointRecord, atMs: number): Promise<void> {
    await this.#write(
      [
        ...checkpointStatements(record),
        ...record.messages.flatMap((message) => outbox.add({ ...message, atMs })),
        ...letterStatements(record.setAside),
        ...(record.verdict ? verdictStatements(record.verdict) : []),
        ...journal.drop(record.journalUpTo),
      ],
      { reserve: true },
    )
  }

  /** Messages that may be sent now, newest first. */
  newest(limit: number, exclude: readonly MessageName[]) {
    return this.newestOf(outbox, { limit, exclude, limits: this.#lineage?.limits })
  }

  async newestOf(table: Outbox, wanted: Parameters<Outbox['newest']>[1]) {
    const messages = await table.newest(this.#spool, wanted)
    return messages.map((message) => ({ ...message, kind: message.kind as MessageKind }))
  }

  async settle(site: string, { upTo, ranges }: Omit<Receipt, 'spool'>, also: readonly Statement[] = []): Promise<void> {
    await this.#write([...outbox.settle(site, upTo, ranges), ...also], { reserve: true })
  }

  /** The oldest messages that no other waits for, but for alerts, and the readings that each device loses with them. */
  async oldest(limit: number, exclude: readonly MessageName[]) {
    const found = await outbox.oldest(this.#spool, limit + exclude.length, 'alerts')
    const kept = new Set(exclude.map(({ site, seq }) => `${site}/${seq}`))
    const free = found.filter(({ site, seq }) => !kept.has(`${site}/${seq}`)).slice(0, limit)
    const messages: GivenUp[] = free.map(({ site, seq, bytes }) => ({ site, seq, readings: readingsIn(bytes) }))
    return { messages, losses: await lossesOf(this.#spool, messages) }
  }

  async dropped(): Promise<{ site: string; messages: number; readings: number }[]> {
    const rows = await this.#spool.read('SELECT site, messages, readings FROM dropped ORDER BY site')
    return rows.map(([site, messages, readings]) => ({
      site: String(site),
      messages: Number(messages),
      readings: Number(readings),
    }))
  }

  async deadLetterCounts(): Promise<Record<string, number>> {
    const counts = await deadLetters.counts(this.#spool)
    return Object.fromEntries(counts.map(({ reason, readings }) => [reason, readings]))
  }

  /** Resolves when the spool can begin and end a transaction; nothing reaches the disk. */
  async probe(): Promise<void> {
    await this.#spool.write([], { reserve: true })
  }

  #write(statements: readonly Statement[], options?: { reserve: boolean }): Promise<void> {
    this.transactions++
    return this.#spool.write(statements, options)
  }

  async setBytes(): Promise<number> {
    const rows = await this.#spool.read('SELECT bytes FROM set_bytes')
    return Number(rows[0]?.[0] ?? 0)
  }

  async usedBytes(): Promise<number> {
    return (await this.#spool.usage()).bytes
  }

  async state(): Promise<SpoolState> {
    const { messages, bytes, oldestMs } = await outbox.counts(this.#spool)
    const waiting = { outboxMessages: messages, outboxBytes: bytes, oldestOutboxMs: oldestMs }
    return { ...(await this.#spool.usage()), ...waiting, setBytes: await this.setBytes() }
  }

  close(): Promise<void> {
    return this.#spool.close()
  }
}
