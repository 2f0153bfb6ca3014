import { join } from 'node:path'
import { isName, type SeriesInfo, type StatusBody } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import { addMissingTables, deadLetters, openSpool, type Spool } from '@millrace/spool'
import type { Spooled } from '../received.ts'
import { type Accounts, readAccounts } from './accounts.ts'
import { SpoolAlerts } from './alerts.ts'
import { SpoolEvaluation } from './evaluation.ts'
import { type AddressedReceipt, Intake } from './intake.ts'
import { SpoolLog } from './log.ts'
import { purge, purgeAlerts } from './purge.ts'
import { Receiver } from './receiver.ts'
import { Registry } from './registry.ts'
import { application, laterTables, tables, version } from './tables.ts'

export interface CustodyOptions {
  dataDir: string
  maxBytes: number
  clock: Clock
  log: Logger
  /** Called after each commit, with the receipts that are now owed. */
  committed(receipts: readonly AddressedReceipt[], messages: readonly Spooled[]): void
}

/** What the ingest holds on its own responsibility: parts, accounts, and how far each store has come. */
export class Custody {
  readonly receiver: Receiver
  readonly log: SpoolLog
  readonly alerts: SpoolAlerts
  readonly evaluation: SpoolEvaluation
  /** For parts that keep tables of their own in it. */
  readonly spool: Spool
  private readonly registry: Registry
  private readonly intake: Intake
  private accountsAt = -1
  private cached: Promise<Accounts> | undefined
  private commits = 0

  private constructor(parts: { spool: Spool; registry: Registry; intake: Intake }, options: CustodyOptions) {
    this.spool = parts.spool
    this.registry = parts.registry
    this.intake = parts.intake
    this.log = new SpoolLog(parts.spool, parts.registry, () => parts.intake.head)
    this.alerts = new SpoolAlerts(parts.spool)
    const committed = () => this.alerts.wake()
    this.evaluation = new SpoolEvaluation({ spool: parts.spool, head: () => parts.intake.head, committed })
    this.receiver = new Receiver({
      intake: parts.intake,
      log: options.log,
      committed: (receipts, messages) => {
        this.commits++
        options.committed(receipts, messages)
        this.log.wake()
        if (messages.some(({ alerts }) => alerts.length > 0)) this.alerts.wake()
      },
    })
  }

  /** Throws a MillraceError where the spool is another program's or version's, or in use. */
  static async open(options: CustodyOptions): Promise<Custody> {
    const { dataDir, maxBytes, clock, log } = options
    const reserveBytes = Math.min(64 * 1024 * 1024, Math.floor(maxBytes / 4))
    const folder = join(dataDir, 'spool')
    const spool = await openSpool({ folder, application, version, schema: tables, maxBytes, reserveBytes })
    if (spool.movedAside)
      log.error(
        { ...spool.movedAside },
        'the spool was damaged and has been moved aside; agents repeat nothing it had acknowledged',
      )
    await addMissingTables(spool, laterTables)
    const registry = await Registry.load(spool)
    return new Custody({ spool, registry, intake: await Intake.open({ spool, registry, clock }) }, options)
  }

  get name(): string {
    return this.spool.name
  }

  /** True until something was received. */
  get isNew(): boolean {
    return this.intake.head === 0
  }

  /** See `Intake.followsAnother`. */
  async followsAnother(): Promise<void> {
    await this.intake.followsAnother()
  }

  /** Of everything received so far. */
  receipts(): AddressedReceipt[] {
    return this.intake.receipts()
  }

  /**
   * What to tell an agent whose spool has sent nothing yet: a receipt of nothing, which makes it repeat at once what it
   * sent while nobody listened. Undefined where it is known.
   */
  greeting({ site, agent, spool }: StatusBody): AddressedReceipt | undefined {
    const name = spool?.name
    if (typeof name !== 'string' || !isName(name)) return undefined
    const known = this.registry.sources().some((source) => {
      return source.site === site && source.agent === agent && source.spool === name && source.received.count > 0
    })
    return known ? undefined : { site, agent, receipt: { spool: name, upTo: -1, ranges: [] } }
  }

  series(): SeriesInfo[] {
    return this.registry.allSeries().map(({ id: _id, ...info }) => info)
  }

  /** Read again only after something was committed, so that many may ask each second. */
  async accounts(generation: number): Promise<Accounts> {
    const state = this.commits + generation
    if (!this.cached || this.accountsAt !== state) {
      this.accountsAt = state
      this.cached = readAccounts(this.spool, this.registry)
      this.cached.catch(() => {
        this.cached = undefined
      })
    }
    return await this.cached
  }

  async deadLetters() {
    return await deadLetters.counts(this.spool)
  }

  async usage() {
    return await this.spool.usage()
  }

  /** A copy of the spool as it is now, in a file that must not exist yet. */
  async copyTo(file: string): Promise<void> {
    await this.spool.read('VACUUM INTO ?', [file])
  }

  async purge(nowMs: number, takenUpTo: number): Promise<void> {
    await purge(this.spool, { nowMs, takenUpTo })
  }

  /** `takenUpTo`: where the slowest store is in the log of alerts. */
  async purgeAlerts(nowMs: number, takenUpTo: number): Promise<void> {
    await purgeAlerts(this.spool, { nowMs, takenUpTo })
  }

  async close(): Promise<void> {
    await this.spool.close()
  }
}
