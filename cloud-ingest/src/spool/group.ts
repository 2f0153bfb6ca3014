import type { Alert, SetAsideReason } from '@millrace/contracts'
import { type DeadLetter, deadLetters, type SqlValue, type Statement } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import type { BodyHead, PartRow, SetAside, Spooled } from '../received.ts'
import { saveAlerts } from './alert-statements.ts'
import type { StagedPlaces } from './places.ts'
import type { Registry, SeriesState, SourceState } from './registry.ts'
import { accountRow, completenessRow, GroupRows, partRow, seriesRow, sourceRow } from './statements.ts'
import { traceRow } from './traces.ts'

/** A part's window that ended this long before its arrival may have had parts that left the spool since. */
export const keepPartsMs = 48 * 3_600_000
export const latenessMarginMs = 15 * 60_000

interface Staged {
  source: SourceState
  received: RangeSet
  /** Hashes of the numbers that this group adds. */
  hashes: Map<number, Uint8Array>
  /** Who made them. */
  epochs: Map<number, string>
}

interface GroupStart {
  /** Place in the log of the last row before it. */
  n: number
  atMs: number
  knownFromMs: number
  places: StagedPlaces
}

/** Messages on their way into one transaction. Nothing outside changes until `committed`. */
export class Group {
  private readonly registry: Registry
  private readonly atMs: number
  private readonly knownFromMs: number
  private readonly places: StagedPlaces
  private readonly rows = new GroupRows()
  private readonly staged = new Map<SourceState, Staged>()
  private readonly latest = new Map<SeriesState, PartRow>()
  private readonly letters: DeadLetter[] = []
  private readonly replayed: { reason: string; nth: number }[] = []
  private readonly alerts: Alert[] = []
  /** Sources of numbers that came with other bytes. */
  readonly conflicts = new Set<SourceState>()
  /** Place in the log of the group's last row. */
  n: number

  /** Of windows before `knownFromMs` the spool may never have had all parts. */
  constructor(registry: Registry, { n, atMs, knownFromMs, places }: GroupStart) {
    this.places = places
    this.registry = registry
    this.n = n
    this.atMs = atMs
    this.knownFromMs = Math.max(knownFromMs, atMs - keepPartsMs + latenessMarginMs)
  }

  /** Sources that are owed a receipt once the group is on disk. */
  get touched(): SourceState[] {
    return [...this.staged.keys()]
  }

  /** `known` is the hash under which the number was received before, where that is still known. */
  add(message: Spooled, known: Uint8Array | undefined): void {
    const { head, place } = message
    if (place && !this.places.take(place)) return
    if (message.letter) this.replayed.push(message.letter)
    if (head === undefined) {
      this.setAside(message, message.setAside)
      return
    }
    const staged = this.stage(head)
    const earlier = staged.hashes.get(head.seq) ?? known
    if (staged.received.add(head.seq)) this.take(message, head, staged)
    else if (message.letter) this.takeRows(message, head, staged.source.id)
    else if (isOther(message, staged, earlier)) this.refuseConflict(message, staged.source)
  }

  statements(): Statement[] {
    for (const { source, received } of this.staged.values()) {
      this.rows.sources.push(sourceRow(source, received.encode(), this.atMs))
    }
    const gone = this.replayed.flatMap(({ reason, nth }) => deadLetters.remove(reason, nth))
    const rest = [...saveAlerts(this.alerts, this.atMs), ...deadLetters.add(...this.letters), ...gone]
    return [...this.rows.statements(), ...rest, ...this.places.statements()]
  }

  committed(): void {
    this.places.committed()
    for (const { source, received, epochs } of this.staged.values()) {
      this.registry.received(source, received)
      for (const [seq, epoch] of epochs) source.epochs.add(epoch, seq)
    }
    for (const [series, { unit, last, lastTs }] of this.latest) {
      if (lastTs >= series.lastTs) Object.assign(series, { unit, lastTs, lastValue: last })
    }
  }

  private stage(head: BodyHead): Staged {
    const source = this.registry.source(head)
    const known = this.staged.get(source)
    if (known) return known
    const staged = { source, received: RangeSet.decode(source.received.encode()), hashes: new Map(), epochs: new Map() }
    this.staged.set(source, staged)
    return staged
  }

  private take(message: Spooled, head: BodyHead, { source, hashes, epochs }: Staged): void {
    const { seq, epoch } = head
    hashes.set(seq, message.hash)
    epochs.set(seq, epoch)
    this.rows.epochs.push([source.id, epoch, seq, seq])
    this.rows.bodies.push([source.id, seq, message.hash, this.atMs])
    this.takeRows(message, head, source.id)
  }

  /** Of a message whose number may be known: a row that is there already stays as it is. */
  private takeRows(message: Spooled, head: BodyHead, source: number): void {
    const { seq, site } = head
    const before = this.n
    const devices = new Set([...message.parts, ...message.accounts].map(({ device }) => device))
    for (const device of devices) this.rows.devices.push([source, device])
    for (const account of message.accounts) this.rows.accounts.push(accountRow(source, seq, account))
    for (const part of message.parts) this.rows.parts.push(this.takePart(part, site, source))
    for (const part of message.completeness) this.rows.completeness.push(completenessRow(source, part, this.stamp()))
    const { receivedMs = this.atMs } = message
    if (this.n > before) this.rows.traces.push(traceRow(source, head, { n: this.n, atMs: this.atMs, receivedMs }))
    this.alerts.push(...message.alerts)
    this.setAside(message, message.setAside)
  }

  private takePart(part: PartRow, site: string, source: number): SqlValue[] {
    const series = this.registry.series({ ...part, site }, part.unit)
    if (part.lastTs >= (this.latest.get(series)?.lastTs ?? -1)) this.latest.set(series, part)
    this.rows.series.push(seriesRow(series, part))
    const late = part.start + part.lengthMs < this.knownFromMs
    return partRow({ series: series.id, source, late }, part, this.stamp())
  }

  private stamp() {
    this.n++
    return { n: this.n, atMs: this.atMs }
  }

  private refuseConflict(message: Spooled, source: SourceState): void {
    this.conflicts.add(source)
    const count = message.parts.reduce((sum, part) => sum + part.count, 0)
    this.setAside(message, [{ reason: 'conflict', device: null, count }])
  }

  /** One letter for each device and reason, so that a body full of bad rows is kept once for each. */
  private setAside({ topic, head, body }: Spooled, items: readonly SetAside[]): void {
    const sums = new Map<string, { reason: SetAsideReason; device: string | null; count: number }>()
    for (const { reason, device, count } of items) {
      const key = `${reason}/${device}`
      const sum = sums.get(key)
      if (sum) sum.count += count
      else sums.set(key, { reason, device, count })
    }
    const site = head?.site ?? null
    for (const item of sums.values()) this.letters.push({ ...item, atMs: this.atMs, source: topic, site, body })
  }
}

/** A known number with other bytes; where its hash has gone, of another start than the one that made it. */
function isOther({ head, hash }: Spooled, { source }: Staged, earlier: Uint8Array | undefined): boolean {
  if (earlier !== undefined) return !Buffer.from(earlier).equals(hash)
  return head !== undefined && !source.epochs.mayHaveMade(head.epoch, head.seq)
}
