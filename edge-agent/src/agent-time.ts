import { minTimeMs } from '@millrace/contracts'
import type { Clock } from '@millrace/pipeline'
import { type JournalEntry, type ReadingBatch, unstamped } from '@millrace/windows'

export type AnchorEntry = Extract<JournalEntry, { kind: 'anchor' }>

/** Who vouches for the anchor in force. */
export type TimeSource = 'none' | 'system' | 'synchronised' | 'devices'

export interface AgentTimeOptions {
  clock: Clock
  trust: 'system' | 'synchronised'
  /** Whether the operating system says that its clock is synchronised; asked only with trust `synchronised`. */
  isSynchronised: () => boolean
  /** How long to wait for a trusted clock before the devices' clocks are taken, ms. */
  waitMs: number
  /** How far the devices' clocks are ahead of the agent's time, where they agree with each other, ms. */
  devicesAheadMs?: () => number | undefined
}

export interface TimeState {
  source: TimeSource
  /** Agent time minus the wall clock, ms; null before the first anchor. */
  offsetMs: number | null
  steps: number
  /** A step of the system clock that the devices' clocks contradict, so that it is not followed, ms. */
  disputedMs?: number
}

/** How often `check` wants to be called, ms. */
export const timeCheckMs = 5_000
const stepMs = 2_000
/** Devices whose clocks are no further off contradict a step of the system clock. */
const agreesMs = 30_000
/** Checks that must see the same step after the one that noticed it. */
const confirmations = 2

/**
 * The agent's time: an anchor of the wall clock carried on by the monotonic clock, so that a step of the wall clock
 * moves nothing until it is confirmed. An anchor is obeyed only from the journal: `check` proposes, `obey` follows.
 */
export class AgentTime {
  readonly #options: AgentTimeOptions
  readonly #startedMs: number
  readonly #deviceOffsets = new Map<number, number>()
  #anchor: AnchorEntry | undefined
  #source: TimeSource = 'none'
  #proposedSource: TimeSource = 'none'
  #steps = 0
  #suspectedMs = 0
  #seen = 0
  #disputedMs = 0

  constructor(options: AgentTimeOptions) {
    this.#options = options
    this.#startedMs = options.clock.monotonic()
  }

  /** Epoch ms; undefined before the first anchor. */
  now(): number | undefined {
    return this.at(this.#options.clock.monotonic())
  }

  /** Epoch ms at a monotonic moment; undefined before the first anchor. */
  at(monotonicMs: number): number | undefined {
    return this.#anchor && this.#anchor.wallMs + (monotonicMs - this.#anchor.monotonicMs)
  }

  /** Epoch ms minus the monotonic scale, by a clock of the agent's own; NaN while it has none. */
  epochMs(): number {
    return this.#source === 'none' || this.#source === 'devices' ? Number.NaN : (this.at(0) ?? Number.NaN)
  }

  /** A device's own time at a moment of arrival; used only until the first anchor. */
  observe(device: number, ts: number, arrivedMonotonicMs: number): void {
    const offset = ts - arrivedMonotonicMs
    const known = this.#deviceOffsets.get(device)
    if (known === undefined || offset > known) this.#deviceOffsets.set(device, offset)
  }

  /** The same for a batch of messages. */
  observeBatch({ messages, arrivedMonotonicMs }: ReadingBatch): void {
    for (let at = 0; at < messages.length; at++) {
      if (messages.flags[at]! & unstamped) continue
      this.observe(messages.device[at]!, messages.ts[at]!, arrivedMonotonicMs)
    }
  }

  /** The anchor to journal now, if any. */
  check(): AnchorEntry | undefined {
    const { trust, isSynchronised, clock } = this.#options
    // A time that no reading may have is that of a machine that has just started without one.
    const trusted = clock.now() >= minTimeMs && (trust === 'system' || isSynchronised())
    if (!this.#anchor) return trusted ? this.#propose(this.#options.trust) : this.#proposeFromDevices()
    return trusted ? this.#watchForStep() : undefined
  }

  /** Follows an anchor that is in the journal. */
  obey(entry: AnchorEntry): void {
    if (this.#anchor) this.#steps++
    this.#anchor = entry
    this.#source = this.#proposedSource
    this.#deviceOffsets.clear()
  }

  state(): TimeState {
    const now = this.now()
    const offsetMs = now === undefined ? null : Math.round(now - this.#options.clock.now())
    const disputed = this.#disputedMs === 0 ? {} : { disputedMs: Math.round(this.#disputedMs) }
    return { source: this.#source, offsetMs, steps: this.#steps, ...disputed }
  }

  #propose(source: TimeSource): AnchorEntry {
    this.#proposedSource = source
    const { clock } = this.#options
    return { kind: 'anchor', monotonicMs: clock.monotonic(), wallMs: clock.now() }
  }

  #proposeFromDevices(): AnchorEntry | undefined {
    const monotonicMs = this.#options.clock.monotonic()
    if (monotonicMs - this.#startedMs < this.#options.waitMs || this.#deviceOffsets.size === 0) return undefined
    const offsets = [...this.#deviceOffsets.values()].sort((a, b) => a - b)
    const median = offsets[Math.ceil(offsets.length / 2) - 1] ?? 0
    this.#proposedSource = 'devices'
    return { kind: 'anchor', monotonicMs, wallMs: Math.round(monotonicMs + median) }
  }

  #watchForStep(): AnchorEntry | undefined {
    const driftMs = this.#options.clock.now() - (this.now() ?? 0)
    if (Math.abs(driftMs) <= stepMs) {
      this.#source = this.#options.trust
      this.#seen = 0
      this.#disputedMs = 0
      return undefined
    }
    const same = this.#seen > 0 && Math.abs(driftMs - this.#suspectedMs) <= stepMs
    this.#seen = same ? this.#seen + 1 : 1
    this.#suspectedMs = driftMs
    if (this.#seen <= confirmations) return undefined
    this.#seen = 0
    this.#disputedMs = this.#devicesContradict(driftMs) ? driftMs : 0
    if (this.#disputedMs !== 0) return undefined
    return this.#propose(this.#options.trust)
  }

  /** A system clock that nobody vouches for may be set wrong; that the devices went wrong with it is less likely. */
  #devicesContradict(driftMs: number): boolean {
    if (this.#source !== 'system' || Math.abs(driftMs) <= 2 * agreesMs) return false
    const aheadMs = this.#options.devicesAheadMs?.()
    return aheadMs !== undefined && Math.abs(aheadMs) <= agreesMs
  }
}
