import type { Receipt } from '@millrace/contracts'
import type { Clock, Logger } from '@millrace/pipeline'
import type { Spool } from '@millrace/spool'
import { cursors } from '@millrace/spool'
import type { Spooled } from '../received.ts'
import { Group } from './group.ts'
import { Places } from './places.ts'
import type { Registry, SourceState } from './registry.ts'

/** Where the log ends, saved with each group. */
export const logHead = 'log-head'
/** Event time from which the spool has had every part, epoch ms, saved when the spool is new. */
export const knownFrom = 'known-from'
/** Newest event time in stores that the spool was found to lack, epoch ms. */
const followedTo = 'followed-to'
const maxWindowMs = 30 * 60_000

/** What an agent is told: everything received from its spool for this site. */
export interface AddressedReceipt {
  site: string
  agent: string
  receipt: Receipt
}

export function receiptOf({ site, agent, spool, received }: SourceState): AddressedReceipt {
  const all = received.ranges()
  const fromZero = all[0]?.[0] === 0
  const upTo = fromZero ? all[0]![1] : -1
  return { site, agent, receipt: { spool, upTo, ranges: fromZero ? all.slice(1) : all, greets: true } }
}

interface IntakeParts {
  spool: Spool
  registry: Registry
  clock: Clock
  log: Logger
}

interface IntakeState {
  n: number
  knownFromMs: number
  places: Places
}

/** The only writer of what agents send: groups of messages, each group one transaction. */
export class Intake {
  private readonly spool: Spool
  private readonly registry: Registry
  private readonly clock: Clock
  private readonly log: Logger
  private readonly warned = new Set<string>()
  private n: number
  /** Where the log ended when the spool was opened. */
  private readonly openedAt: number
  private knownFromMs: number
  private readonly places: Places

  private constructor(parts: IntakeParts, { n, knownFromMs, places }: IntakeState) {
    this.places = places
    this.spool = parts.spool
    this.registry = parts.registry
    this.clock = parts.clock
    this.log = parts.log
    this.n = n
    this.openedAt = n
    this.knownFromMs = knownFromMs
  }

  static async open(parts: IntakeParts): Promise<Intake> {
    const n = (await cursors.load(parts.spool, logHead)) ?? 0
    const places = await Places.load(parts.spool)
    return new Intake(parts, { n, knownFromMs: (await cursors.load(parts.spool, knownFrom)) ?? 0, places })
  }

  /**
   * To be told of a new spool whose stores may hold rows of an earlier one: windows that began before now are then
   * compared with what is stored, so that no revision goes back and no other agent's readings are lost.
   */
  async followsAnother(): Promise<void> {
    this.knownFromMs = Math.ceil(this.clock.now()) + 2 * maxWindowMs
    await this.spool.write(cursors.save(knownFrom, this.knownFromMs))
  }

  /** The same once for what a store holds up to this event time; false where it was told before. */
  async followsUpTo(store: string, newestMs: number): Promise<boolean> {
    const key = `${store}/${followedTo}`
    const upToMs = Math.ceil(newestMs)
    if (upToMs <= ((await cursors.load(this.spool, key)) ?? 0)) return false
    await this.followsAnother()
    await this.spool.write([...cursors.save(key, upToMs), ...cursors.save(store, this.openedAt)], { reserve: true })
    return true
  }

  get nowMs(): number {
    return this.clock.now()
  }

  /** The newest committed place in the log. */
  get head(): number {
    return this.n
  }

  /**
   * Resolves with the receipts that are owed once the group is on disk. Rejects with SpoolFullError, and then nothing
   * of the group counts as received. Not to be called again before it has settled.
   */
  async commit(messages: readonly Spooled[]): Promise<AddressedReceipt[]> {
    const { n, knownFromMs } = this
    const group = new Group(this.registry, { n, knownFromMs, atMs: this.clock.now(), places: this.places.stage() })
    for (const message of messages) group.add(message, await this.knownHash(message))
    await this.spool.write([...group.statements(), ...cursors.save(logHead, group.n)])
    this.n = group.n
    group.committed()
    for (const source of group.conflicts) this.warnOf(source)
    return group.touched.map(receiptOf)
  }

  /** Receipts of everything received so far, those of the source that sent last at the end. */
  receipts(): AddressedReceipt[] {
    return this.registry
      .sources()
      .filter(({ received }) => received.count > 0)
      .map(receiptOf)
  }

  /** Once for each source: its count is in the accounts. */
  private warnOf({ site, agent, spool }: SourceState): void {
    const key = `${site}/${agent}/${spool}`
    if (this.warned.has(key)) return
    this.warned.add(key)
    this.log.error(
      { site, agent, spool },
      'numbers of a spool came again with other bytes: two agents use copies of it',
    )
  }

  private async knownHash({ head }: Spooled): Promise<Uint8Array | undefined> {
    if (head === undefined) return undefined
    const source = this.registry.source(head)
    if (!source.received.has(head.seq)) return undefined
    const [row] = await this.spool.read('SELECT hash FROM bodies WHERE source = ? AND seq = ?', [source.id, head.seq])
    return row?.[0] as Uint8Array | undefined
  }
}
