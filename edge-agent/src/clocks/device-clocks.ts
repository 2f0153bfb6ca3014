import type { ClockStateName } from '@millrace/contracts'
import { type Agreement, agreementOf } from './agreement.ts'
import { type ClockRecord, ClockRecords, field } from './clock-record.ts'
import { endSample, envelopeOf, fit, jitterOf, sampleMs } from './clock-tracker.ts'

export interface ClockThresholds {
  /** An offset above this is `skewed`, ms. */
  skewed: number
  /** A change of the offset above this is a jump, ms. */
  jumped: number
  /** A drift above this is `drifting`, in parts per million: 12 are a second a day. */
  drifting: number
}

/** What is known of a device's clock. */
export interface ClockVerdict {
  state: ClockStateName
  /** How far the device's clock is ahead of the agent's, ms; null while unknown. */
  offsetMs: number | null
  /** How fast it gains, in parts per million; null before five minutes. */
  driftPpm: number | null
  /** Median absolute deviation of the delay of its messages, ms. */
  jitterMs: number | null
  /** The last jump: its size (above 0: ahead) and when it was noticed. */
  jump?: { sizeMs: number; atMs: number }
  /** Why the state is unknown. */
  reason?: string
}

/** The agent's time, as far as it can judge another clock. */
export interface ReferenceTime {
  /** Agent time minus the monotonic scale, ms; NaN while the agent has no time of its own. */
  epochMs(): number
  /** False where it has not run at the speed of real time for long enough to tell a drift; true unless given. */
  isSteady?(): boolean
}

export const reasons = {
  noTime: 'it sends no time of its own, or has sent nothing since the agent started',
  tooFew: 'too few messages yet',
  lateSoFar: 'its messages came late so far: a slow clock and a backlog look alike for two minutes',
  noReference: 'the agent has no time of its own to compare with',
} as const

/** How long a jump is the state of a clock. */
const jumpShownMs = 3_600_000

/** Estimates every device's clock from arrival minus event time. `see` is on the path of every message. */
export class DeviceClocks {
  readonly thresholds: ClockThresholds
  readonly #jumpMs: number
  readonly #time: ReferenceTime
  readonly #records = new ClockRecords()

  constructor(thresholds: ClockThresholds, time: ReferenceTime) {
    this.thresholds = thresholds
    this.#jumpMs = thresholds.jumped
    this.#time = time
  }

  /** A message of a device with a time of its own, epoch ms, at its arrival on the monotonic scale. */
  see(device: number, ts: number, arrivedMonotonicMs: number): void {
    const page = this.#records.pageOf(device)
    const at = this.#records.at(device)
    const delay = arrivedMonotonicMs - ts
    if (arrivedMonotonicMs - page[at + field.sampleFrom]! < sampleMs) {
      if (delay < page[at + field.sampleDelay]!) page[at + field.sampleDelay] = delay
      return
    }
    if (page[at + field.sampleFrom]! > Number.NEGATIVE_INFINITY) endSample(page, at, this.#jumpMs)
    page[at + field.sampleFrom] = arrivedMonotonicMs
    page[at + field.sampleDelay] = delay
  }

  verdict(device: number): ClockVerdict {
    const record = this.#find(device)
    const jitter = record ? jitterOf(record) : Number.NaN
    return { ...this.judge(device), jitterMs: Number.isNaN(jitter) ? null : Math.round(jitter) }
  }

  /** The same without the jitter, which costs most of it. */
  judge(device: number): Omit<ClockVerdict, 'jitterMs'> {
    const record = this.#find(device)
    if (!record) return unknown(reasons.noTime)
    const epochMs = this.#time.epochMs()
    if (Number.isNaN(epochMs)) return unknown(reasons.noReference)
    const jump = jumpOf(record, epochMs)
    if (Number.isNaN(record.page[record.at + field.level])) return unknown(reasons.tooFew)
    if (!this.#isKnown(record, epochMs)) return { ...unknown(reasons.lateSoFar), ...jump }
    return { ...this.#judge(record, epochMs), ...jump }
  }

  /** How far a clock is ahead of the agent's, ms; NaN where that cannot be told. */
  offset(device: number): number {
    const record = this.#find(device)
    const epochMs = this.#time.epochMs()
    return record && this.#isKnown(record, epochMs) ? -(envelopeOf(record) + epochMs) : Number.NaN
  }

  /** What takes the device's event times to the monotonic scale, ms; NaN before its first message. */
  delay(device: number): number {
    const record = this.#find(device)
    return record ? envelopeOf(record) : Number.NaN
  }

  /** What the devices below this id say of the agent's clock, where they agree. */
  agreement(deviceCount: number): Agreement | undefined {
    const offsets = Array.from({ length: deviceCount }, (_, device) => this.offset(device))
    return agreementOf(offsets, this.thresholds.skewed)
  }

  /** True where they agree that it is off. */
  suspectsAgent(deviceCount: number): boolean {
    return Math.abs(this.agreement(deviceCount)?.offsetMs ?? 0) > this.thresholds.skewed
  }

  #find(device: number): ClockRecord | undefined {
    const record = this.#records.find(device)
    if (record) fit(record, this.#jumpMs)
    return record
  }

  /** No network makes a message come before it was sent; that one comes late proves nothing before two minutes agree. */
  #isKnown(record: ClockRecord, epochMs: number): boolean {
    const { page, at } = record
    if (Number.isNaN(epochMs) || Number.isNaN(page[at + field.level])) return false
    return page[at + field.settled] === 1 || envelopeOf(record) + epochMs <= this.thresholds.skewed
  }

  #judge(record: ClockRecord, epochMs: number) {
    const { page, at } = record
    const { skewed, drifting } = this.thresholds
    const offsetMs = -(envelopeOf(record) + epochMs)
    const drift = this.#time.isSteady?.() === false ? Number.NaN : -page[at + field.slope]!
    const sinceJumpMs = page[at + field.sampleFrom]! - page[at + field.jumpAt]!
    const drifts = Math.abs(drift) * 1e6 > drifting && Math.abs(drift) > page[at + field.slopeError]!
    let state: ClockStateName = drifts ? 'drifting' : 'good'
    if (Math.abs(offsetMs) > skewed) state = 'skewed'
    if (sinceJumpMs < jumpShownMs) state = 'jumped'
    const driftPpm = Number.isNaN(drift) ? null : Math.round(drift * 1e6)
    return { state, offsetMs: Math.round(offsetMs), driftPpm }
  }
}

function jumpOf({ page, at }: ClockRecord, epochMs: number): Pick<ClockVerdict, 'jump'> {
  const atMs = page[at + field.jumpAt]!
  if (Number.isNaN(atMs)) return {}
  return { jump: { sizeMs: Math.round(page[at + field.jumpSize]!), atMs: Math.round(atMs + epochMs) } }
}

function unknown(reason: string): Omit<ClockVerdict, 'jitterMs'> {
  return { state: 'unknown', offsetMs: null, driftPpm: null, reason }
}
