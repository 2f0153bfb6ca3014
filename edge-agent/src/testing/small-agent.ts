import { type ManualClock, manualClock } from '@millrace/pipeline'
import {
  closeWindow,
  decodeEntry,
  encodeEntry,
  type JournalEntry,
  type Settlement,
  type StoredSet,
  type SummaryValues,
  WindowKeeper,
} from '@millrace/windows'
import { AgentTime, timeCheckMs } from '../agent-time.ts'
import { ClockDoctor } from '../clocks/index.ts'
import { createIntake } from '../intake.ts'
import { Names } from '../names.ts'
import type { Intake } from '../spool/index.ts'

export interface SmallAgentOptions {
  /** The wall clock at the start, epoch ms. */
  wallMs: number
  trust?: 'system' | 'synchronised'
  sites?: { sites: string; policy: 'accept' | 'restamp' | 'set-aside' }[]
}

export interface Sent {
  ts?: number
  seq?: number
  boot?: string
  value?: number
}

const settings = { lengthMs: 60_000, latenessMs: 5_000, maxReadings: 100_000, amendForMs: 86_400_000 }

/** Decoders, clocks and windows as the agent puts them together, with a manual clock and a list in place of the spool. */
export class SmallAgent {
  readonly clock: ManualClock
  readonly names = new Names({ site: 'hall', maxSeries: 10_000 })
  readonly keeper = new WindowKeeper(this.names, settings)
  readonly time: AgentTime
  readonly doctor: ClockDoctor
  readonly journal: Uint8Array[] = []
  /** Newest summary of each window, by `site/device start`. */
  readonly rows = new Map<string, SummaryValues>()
  readonly setAside: { reason: string; device: string; count: number; body: string }[] = []
  synchronised = false
  readonly #sets = new Map<string, StoredSet>()
  #intake!: Intake
  #checkedMs = Number.NEGATIVE_INFINITY

  private constructor({ wallMs, trust = 'system', sites = [] }: SmallAgentOptions) {
    const { names } = this
    this.clock = manualClock(wallMs)
    this.time = new AgentTime({
      ...{ clock: this.clock, trust, waitMs: 120_000 },
      isSynchronised: () => this.synchronised,
      devicesAheadMs: () => this.doctor.agreement()?.offsetMs,
    })
    const thresholds = { skewed: 5_000, jumped: 10_000, drifting: 200 }
    this.doctor = new ClockDoctor({ settings: { ...thresholds, sites }, names, time: this.time })
  }

  static async start(options: SmallAgentOptions): Promise<SmallAgent> {
    const agent = new SmallAgent(options)
    const { names, clock, doctor } = agent
    agent.#intake = await createIntake({ names, clock, doctor, config: { decode: [], site: 'hall' } })
    agent.apply({ kind: 'start', epoch: 'e' })
    agent.#check()
    return agent
  }

  /** A message of `temperature` arrives. */
  send(device: string, { value = 1, ...envelope }: Sent): this {
    const body = Buffer.from(JSON.stringify({ ...envelope, readings: { temperature: value } }))
    this.#intake.decode({ topic: `telemetry/${device}`, body, qos: 1 }, this.clock.monotonic())
    return this
  }

  /** Commits what was sent, and a second passes. */
  second(): void {
    const { entry, setAside } = this.#intake.take()
    if (entry) this.apply(entry)
    for (const { reason, device, count, body } of setAside) {
      this.setAside.push({ reason, device, count, body: Buffer.from(body).toString() })
    }
    this.clock.advance(1_000)
    if (this.clock.monotonic() - this.#checkedMs >= timeCheckMs) this.#check()
  }

  /** As the journal has it: what the windows get went through its bytes. */
  apply(entry: JournalEntry): void {
    const bytes = encodeEntry(entry)
    this.journal.push(bytes)
    const journaled = decodeEntry(bytes)
    this.keeper.apply(journaled)
    if (journaled.kind === 'anchor') this.time.obey(journaled)
    if (journaled.kind !== 'data') return
    if (this.time.now() === undefined) this.time.observeBatch(journaled.batch)
    this.doctor.policy.see(journaled.batch)
  }

  /** Closes everything and takes the rows. */
  finish(): this {
    const devices = Uint32Array.from({ length: this.names.deviceCount - 1 }, (_, index) => index + 1)
    this.apply({ kind: 'idle', devices })
    const settlements: Settlement[] = []
    for (const closing of this.keeper.takeClosings().windows) {
      const key = `${closing.series} ${closing.start}`
      const { set, summary, added, duplicates } = closeWindow(closing, this.#sets.get(key), this.names)
      this.#sets.set(key, set)
      const { site, device } = this.names.seriesName(closing.series)
      if (summary) this.rows.set(`${site}/${device} ${closing.start}`, summary)
      settlements.push({ device: closing.device, closed: added, duplicate: duplicates, dropped: 0 })
    }
    this.keeper.settle(settlements)
    return this
  }

  /** Rows of one device: [window's start, readings, those with a time that is not the device's own]. */
  rowsOf(device: string): [number, number, number][] {
    const own = [...this.rows].filter(([key]) => key.startsWith(`${device} `))
    return own
      .map(([, row]): [number, number, number] => [row.start, row.count, row.unstamped])
      .sort(([a], [b]) => a - b)
  }

  #check(): void {
    this.#checkedMs = this.clock.monotonic()
    const anchor = this.time.check()
    if (anchor) this.apply(anchor)
  }
}
