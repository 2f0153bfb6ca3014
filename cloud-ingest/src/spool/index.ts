import { join } from 'node:path'
import { isName, type SeriesInfo, type SeriesName, type SpoolExplanation, type StatusBody } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import { addMissingTables, deadLetters, openSpool, type Spool } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import { z } from 'zod'
import type { BodyHead, Spooled } from '../received.ts'
import { type Accounts, readAccounts } from './accounts.ts'
import { SpoolAlerts } from './alerts.ts'
import { SpoolEvaluation } from './evaluation.ts'
import { explainFromSpool, type SpoolAsked } from './explain.ts'
import { type AddressedReceipt, Intake, receiptOf } from './intake.ts'
import { SpoolLog } from './log.ts'
import { purge, purgeAlerts } from './purge.ts'
import { Receiver } from './receiver.ts'
import { Registry } from './registry.ts'
import { SpoolStock } from './stock.ts'
import { application, laterTables, tables, version } from './tables.ts'

const gaveUpSchema = z.record(z.string(), z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])))

const nameOf = ({ site, device, metric }: SeriesName) => `${site}/${device}/${metric}`

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
  readonly stock: SpoolStock
  /** For parts that keep tables of their own in it. */
  readonly spool: Spool
  private readonly registry: Registry
  private readonly intake: Intake
  private readonly logger: Logger
  /** Rejects once the spool failed in a way that only a new start can mend. */
  readonly failed: Promise<never>
  /** Newest event time of each series when the spool was opened, by its name. */
  private readonly newestAtOpen: ReadonlyMap<string, number>
  private accountsAt = -1
  private cached: Promise<Accounts> | undefined
  private commits = 0

  private constructor(parts: { spool: Spool; registry: Registry; intake: Intake }, options: CustodyOptions) {
    this.spool = parts.spool
    this.registry = parts.registry
    this.intake = parts.intake
    this.logger = options.log
    this.newestAtOpen = new Map(parts.registry.allSeries().map((series) => [nameOf(series), series.lastTs]))
    this.log = new SpoolLog(parts.spool, parts.registry, () => parts.intake.head)
    this.alerts = new SpoolAlerts(parts.spool)
    this.stock = new SpoolStock(parts.spool)
    const committed = () => this.alerts.wake()
    this.evaluation = new SpoolEvaluation({ spool: parts.spool, head: () => parts.intake.head, committed })
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined)
    this.failed = promise
    this.receiver = new Receiver({
      intake: parts.intake,
      log: options.log,
      failed: reject,
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
    return new Custody({ spool, registry, intake: await Intake.open({ spool, registry, clock, log }) }, options)
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

  /**
   * The same where a store holds rows newer than anything the spool had when it was opened: it is an old copy. That
   * store took all that was in it before it took those, so it is not given the older rows again. Series that the spool
   * never heard of are another ingest's that writes to the same store. To be called before the store is fed.
   */
  async followsIfBehind(store: string, stored: readonly SeriesInfo[]): Promise<void> {
    const newestOf = (series: SeriesInfo) => this.newestAtOpen.get(nameOf(series)) ?? Number.POSITIVE_INFINITY
    const ahead = stored.filter((series) => series.lastTs > newestOf(series))
    const newestMs = ahead.reduce((newest, { lastTs }) => Math.max(newest, lastTs), 0)
    if (!(await this.intake.followsUpTo(store, newestMs))) return
    this.logger.error({ store, series: ahead.length }, 'the store has newer rows than the spool, which is an old copy')
  }

  /** Whether a message of this number was received. */
  knows(head: BodyHead): boolean {
    return this.registry.find(head)?.received.has(head.seq) === true
  }

  /** Of everything received so far. */
  receipts(): AddressedReceipt[] {
    return this.intake.receipts()
  }

  /**
   * What to tell an agent that has just said how it is. One whose spool has sent nothing yet is told so, which makes it
   * repeat at once what it sent while nobody listened; one that asks is told all that is had of its spool.
   */
  greeting({ site, agent, spool, epoch }: StatusBody): AddressedReceipt | undefined {
    const name = spool?.name
    if (typeof name !== 'string' || !isName(name)) return undefined
    const known = this.registry.sources().filter((source) => {
      return source.agent === agent && source.spool === name && source.received.count > 0
    })
    const own = known.find((source) => source.site === site)
    const asks = spool?.asks === true && epoch !== undefined
    if (own && !asks) return undefined
    const nothing = { site, agent, receipt: { spool: name, upTo: -1, ranges: [], greets: true } }
    const greeting = own ? receiptOf(own) : nothing
    if (!asks) return greeting
    const sites = known.map((source) => {
      return { site: source.site, newest: source.received.last ?? -1, epochs: source.epochs.newest() }
    })
    return { ...greeting, receipt: { ...greeting.receipt, standing: { to: epoch, sites } } }
  }

  /** Takes note of what a full agent says it gave up. */
  heard({ agent, spool }: StatusBody): void {
    const told = gaveUpSchema.safeParse(spool?.gaveUp ?? {})
    if (!told.success) return
    for (const source of this.registry.sources()) {
      if (source.agent !== agent || source.spool !== spool?.name) continue
      source.gaveUp = new RangeSet()
      for (const [from, to] of told.data[source.site] ?? []) source.gaveUp.addRange(from, Math.max(from, to))
      this.commits++
    }
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

  async explain(asked: Omit<SpoolAsked, 'spool' | 'registry'>): Promise<SpoolExplanation> {
    return await explainFromSpool({ ...asked, spool: this.spool, registry: this.registry })
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
