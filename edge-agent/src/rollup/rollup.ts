import type { Alert } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import type { DeviceCounts, DeviceView, WindowKeeper } from '@millrace/windows'
import type { CheckpointRecord, JournaledEntry, Judge, OutgoingRecord, SetLoader } from '../checkpoint.ts'
import type { Names } from '../names.ts'
import { alertMessages } from './alerts.ts'
import type { BodyHead, BodyStamp } from './body.ts'
import { type Closed, Closer } from './close.ts'
import { Packer, readingsOf, type SiteEntries, sharesGivenUp } from './pack.ts'
import type { Reports } from './reports.ts'
import { overRateInputs, setAsideInputs } from './set-aside.ts'

export interface RollupOptions {
  keeper: WindowKeeper
  names: Names
  reports: Reports
  /** Next message number of each site; moved on by every message made. */
  numbers: Map<string, number>
  head: Omit<BodyHead, 'site'>
  loader: SetLoader
  /** Messages that were given up unsent. */
  givenUp?: (message: { site: string; seq: number }) => boolean
  clock: Clock
  /** What the bodies made now say of that. */
  stamp?: () => BodyStamp
  /** The rules; undefined where there are none. */
  judge?: Judge | undefined
}

export interface CheckpointRequest {
  write(record: CheckpointRecord): Promise<void>
  /** Also report devices whose terms moved without a row and were not reported for this long; undefined: none. */
  reportAfterMs: number | undefined
  /** Called when everything closed is in the outbox, before the entries that wait are applied. */
  look?: ((waiting: readonly JournaledEntry[]) => void) | undefined
}

/** Without an applied entry the windows are as they were. */
function hasNews({ messages, reports, floors, verdict }: CheckpointRecord): boolean {
  const ofRules = verdict ? verdict.state.length + verdict.statements.length : 0
  return messages.length + reports.length + floors.length + ofRules > 0
}

/**
 * The windows and what becomes of them. Journaled entries are applied in order; while a checkpoint is in the making
 * they wait, so that it covers exactly the entries applied before it began.
 */
export class Rollup {
  readonly keeper: WindowKeeper
  readonly #options: RollupOptions
  readonly #waiting: JournaledEntry[] = []
  readonly #floors = new Map<number, number>()
  #waitingBytes = 0
  #appliedBytes = 0
  #appliedUpTo = 0
  #making: readonly OutgoingRecord[] = []
  #busy = false
  #onApplied: (entry: JournaledEntry['entry']) => void = () => undefined

  constructor(options: RollupOptions) {
    this.#options = options
    this.keeper = options.keeper
  }

  /** Bytes of journal that wait for a checkpoint to end. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Bytes of journal that the next checkpoint would drop. */
  get uncheckedBytes(): number {
    return this.#appliedBytes + this.#waitingBytes
  }

  /** `listener` is told of every later entry, once it is in the windows. */
  onApplied(listener: (entry: JournaledEntry['entry']) => void): void {
    this.#onApplied = listener
  }

  apply(entry: JournaledEntry): void {
    if (this.#busy) {
      this.#waiting.push(entry)
      this.#waitingBytes += entry.bytes
      return
    }
    this.keeper.apply(entry.entry)
    if (entry.entry.kind === 'dropped') this.#options.reports.changed(entry.entry.losses)
    this.#appliedUpTo = entry.id
    this.#appliedBytes += entry.bytes
    this.#options.judge?.see(entry.entry, this.keeper)
    this.#onApplied(entry.entry)
  }

  /**
   * Makes a checkpoint and hands it to `write`, which must not give up before it is on disk: what was taken from the
   * windows is nowhere else in memory.
   */
  async checkpoint({ write, reportAfterMs, look }: CheckpointRequest): Promise<void> {
    if (this.#busy) throw new Error('a checkpoint is in the making')
    this.#busy = true
    try {
      const record = await this.#make(reportAfterMs)
      if (this.#appliedBytes > 0 || hasNews(record)) await write(record)
      this.#options.judge?.committed()
      this.#appliedBytes = 0
      look?.(this.#waiting)
    } finally {
      this.#busy = false
      this.#making = []
    }
    this.#drain()
  }

  #drain(): void {
    this.#waitingBytes = 0
    for (const entry of this.#waiting.splice(0)) this.apply(entry)
  }

  async #make(reportAfterMs: number | undefined): Promise<CheckpointRecord> {
    const { keeper, names, loader, reports, clock, judge } = this.#options
    const journalUpTo = this.#appliedUpTo
    const closed = await new Closer(names, loader).close(keeper.takeClosings())
    const atMs = clock.now()
    const setAside = setAsideInputs(names, keeper.takeSetAside(), atMs)
    const verdict = await judge?.judge({ summaries: closed.summaries, completeness: closed.completenessRows }, keeper)
    // Nobody may look at the accounts between the two: what is closed is in a message.
    keeper.settle(closed.settlements)
    keeper.apply({ kind: 'dropped', losses: this.#regained(closed) })
    const messages = [...this.#messages(closed, reportAfterMs), ...this.#alerts(verdict?.alerts ?? [])]
    this.#making = messages
    return {
      journalUpTo,
      windows: closed.windows,
      completeness: closed.completeness,
      floors: this.#raisedFloors(),
      messages,
      reports: reports.takeTouched(),
      setAside: [...setAside, ...overRateInputs(names, closed.overRate, atMs)],
      changes: keeper.takeChanges(),
      verdict,
    }
  }

  /** Readings that were given up with their message and come with the next revision after all: less than nothing is lost. */
  #regained({ summaries }: Closed): { device: number; readings: number }[] {
    const { givenUp, names } = this.#options
    return summaries.flatMap(({ device, shares }) => {
      const again = sharesGivenUp(shares, (seq) => givenUp?.({ site: names.siteOf(device), seq }) === true)
      return again.length > 0 ? [{ device, readings: -readingsOf(again) }] : []
    })
  }

  #alerts(alerts: readonly Alert[]): OutgoingRecord[] {
    const bySite = Map.groupBy(alerts, ({ site }) => site)
    return [...bySite].flatMap(([site, some]) => {
      return alertMessages(some, { ...this.#options.head, site }, () => this.#takeSeq(site))
    })
  }

  /** Messages that those of a checkpoint in the making wait for. */
  awaited(): { site: string; seq: number }[] {
    return this.#making.flatMap(({ site, after }) => after.map((seq) => ({ site, seq })))
  }

  /** The newest number of a site's messages; -1 where there is none. */
  newestMade(site: string): number {
    return (this.#options.numbers.get(site) ?? 0) - 1
  }

  newestNumbers(): Map<string, number> {
    return new Map([...this.#options.numbers].map(([site, next]) => [site, next - 1]))
  }

  #takeSeq(site: string): number {
    const { numbers } = this.#options
    const seq = numbers.get(site) ?? 0
    numbers.set(site, seq + 1)
    return seq
  }

  #messages(closed: Closed, reportAfterMs: number | undefined): OutgoingRecord[] {
    return [...this.#bySite(closed, reportAfterMs)].flatMap(([site, entries]) => this.#siteMessages(site, entries))
  }

  #bySite({ summaries, completenessRows }: Closed, reportAfterMs: number | undefined) {
    const { names } = this.#options
    const sites = new Map<string, { [Part in keyof SiteEntries]: SiteEntries[Part][number][] }>()
    const of = (device: number) => {
      const site = names.siteOf(device)
      const entries = sites.get(site) ?? { summaries: [], completeness: [], due: [] }
      sites.set(site, entries)
      return entries
    }
    for (const entry of summaries) of(entry.device).summaries.push(entry)
    for (const entry of completenessRows) of(entry.device).completeness.push(entry)
    for (const device of this.#dueDevices(reportAfterMs)) of(device).due.push(device)
    return sites
  }

  #dueDevices(quietMs: number | undefined): number[] {
    if (quietMs === undefined) return []
    const { reports } = this.#options
    const due = [...this.keeper.devices()].filter(({ device, counts }) => reports.isDue(device, counts, quietMs))
    return due.map(({ device }) => device)
  }

  #siteMessages(site: string, entries: SiteEntries): OutgoingRecord[] {
    const { names, reports, head, givenUp, stamp } = this.#options
    const known = new Map<number, DeviceCounts>()
    const terms = (device: number) => {
      const counts = known.get(device) ?? this.#view(device).counts
      known.set(device, counts)
      return counts
    }
    const packer = new Packer(
      {
        deviceName: (device) => names.deviceName(device),
        terms,
        addSent: (device, readings) => reports.addSent(device, readings),
        givenUp: (seq) => givenUp?.({ site, seq }) === true,
      },
      () => this.#takeSeq(site),
    )
    return packer.pack(entries).map(({ draft, seq }) => {
      for (const device of draft.accounts.keys()) reports.reported(device, terms(device))
      const bytes = draft.encode({ ...head, site, ...stamp?.() }, seq)
      const added = [...draft.added].map(([device, readings]) => ({ device, readings }))
      return { site, seq, kind: 'summaries', bytes, after: [...draft.after], added }
    })
  }

  #view(device: number): DeviceView {
    const view = this.keeper.device(device)
    if (!view) throw new Error(`the windows do not know device ${device}`)
    return view
  }

  /** Devices whose sets end below a line that rose by at least a window since the last look. */
  #raisedFloors(): { device: number; setsFromMs: number }[] {
    const raised: { device: number; setsFromMs: number }[] = []
    for (const { device, setsFromMs, lengthMs } of this.keeper.devices()) {
      const line = Math.floor(setsFromMs / lengthMs) * lengthMs
      if (!Number.isFinite(line) || line <= (this.#floors.get(device) ?? Number.NEGATIVE_INFINITY)) continue
      this.#floors.set(device, line)
      raised.push({ device, setsFromMs: line })
    }
    return raised
  }
}
