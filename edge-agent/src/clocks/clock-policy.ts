import { compileGlob, type Glob } from '@millrace/contracts'
import { numbered, type ReadingBatch, restamped, unstamped } from '@millrace/windows'
import type { Names } from '../names.ts'
import type { DeviceClocks } from './device-clocks.ts'
import { addSetAside, moveReading, type SetAsideOfClock, without } from './skewed-readings.ts'

export const clockPolicies = ['accept', 'restamp', 'set-aside'] as const
export type ClockPolicyName = (typeof clockPolicies)[number]

export interface ClockPolicyOptions {
  /** The first that fits a site holds; `accept` where none does. `*` and `?` stand for others. */
  sites: readonly { sites: string; policy: ClockPolicyName }[]
  names: Names
  clocks: DeviceClocks
}

const reviewMs = 1_000

/**
 * What becomes of readings whose device's clock is off. It changes a batch before the journal has it, so the journal is
 * all that windows know of it.
 *
 * Re-stamped is by the estimated offset and not by arrival, which would put a late or batched reading where it never
 * was. The time stands in the journal like that of a message without one: on the monotonic scale and marked
 * `unstamped`, so summaries count it as not the device's own, and (series, boot, seq) recognises it in any window.
 */
export class ClockPolicy {
  readonly #options: ClockPolicyOptions
  readonly #sites: readonly { fits: Glob; policy: ClockPolicyName }[]
  readonly #policies: ClockPolicyName[] = []
  /**
   * By device: what takes its event times to the monotonic scale, whole ms, while its clock is off. Held while it is
   * about right, so that a message sent again gets the time it had.
   */
  readonly #corrections = new Map<number, number>()
  readonly #restamped = new Map<number, number>()
  #reviewedMs = Number.NEGATIVE_INFINITY

  constructor(options: ClockPolicyOptions) {
    this.#options = options
    this.#sites = options.sites.map(({ sites, policy }) => ({ fits: compileGlob(sites), policy }))
  }

  policyOf(device: number): ClockPolicyName {
    const known = this.#policies[device]
    if (known !== undefined) return known
    const site = this.#options.names.siteOf(device)
    const policy = this.#sites.find(({ fits }) => fits(site))?.policy ?? 'accept'
    this.#policies[device] = policy
    return policy
  }

  /** Readings given another time since the agent's start; of one device, or of all. */
  restamped(device?: number): number {
    if (device !== undefined) return this.#restamped.get(device) ?? 0
    return [...this.#restamped.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Counts what the journal holds. */
  see({ readings }: ReadingBatch): void {
    if (this.#sites.length === 0) return
    for (let at = 0; at < readings.length; at++) {
      if ((readings.flags[at]! & restamped) === 0) continue
      const device = this.#options.names.deviceOf(readings.series[at]!)
      this.#restamped.set(device, this.restamped(device) + 1)
    }
  }

  /** Does to the batch what the policies ask for; what is set aside has left it and is among its `invalid`. */
  apply(batch: ReadingBatch): { batch: ReadingBatch; setAside: SetAsideOfClock[] } {
    if (this.#sites.length === 0) return { batch, setAside: [] }
    if (batch.arrivedMonotonicMs - this.#reviewedMs >= reviewMs) this.#review(batch.arrivedMonotonicMs)
    this.#correctMessages(batch)
    const found = new Map<number, SetAsideOfClock>()
    const { readings } = batch
    let kept = 0
    for (let at = 0; at < readings.length; at++) {
      const device = this.#options.names.deviceOf(readings.series[at]!)
      if (this.#takes(readings, at, device)) moveReading(readings, at, kept++)
      else addSetAside(found, device, { readings, at })
    }
    readings.length = kept
    return { batch: without(batch, found), setAside: [...found.values()] }
  }

  /** False where the reading is set aside. */
  #takes({ ts, flags }: ReadingBatch['readings'], at: number, device: number): boolean {
    const policy = this.policyOf(device)
    if (policy === 'accept' || (flags[at]! & unstamped) !== 0) return true
    const correction = this.#corrections.get(device)
    if (policy === 'set-aside') return correction === undefined
    flags[at]! |= numbered
    if (correction === undefined) return true
    ts[at]! += correction
    flags[at]! |= unstamped | restamped
    return true
  }

  #correctMessages({ messages }: ReadingBatch): void {
    const { ts, flags, device, length } = messages
    for (let at = 0; at < length; at++) {
      const correction = this.#corrections.get(device[at]!)
      if (correction === undefined || this.policyOf(device[at]!) !== 'restamp' || (flags[at]! & unstamped) !== 0)
        continue
      ts[at]! += correction
      flags[at]! |= unstamped | restamped
    }
  }

  #review(atMs: number): void {
    const { names, clocks } = this.#options
    this.#reviewedMs = atMs
    // Where the devices agree with each other and not with the agent, theirs is the better guess.
    const suspect = clocks.suspectsAgent(names.deviceCount)
    for (let device = 1; device < names.deviceCount; device++) {
      if (suspect) this.#corrections.delete(device)
      else if (this.policyOf(device) !== 'accept') this.#reviewDevice(device)
    }
  }

  #reviewDevice(device: number): void {
    const { clocks } = this.#options
    const { skewed } = clocks.thresholds
    const offsetMs = clocks.offset(device)
    if (Number.isNaN(offsetMs)) return
    const held = this.#corrections.get(device)
    const correction = Math.round(clocks.delay(device))
    if (held === undefined ? Math.abs(offsetMs) <= skewed : Math.abs(held - correction) <= skewed / 2) return
    if (Math.abs(offsetMs) <= skewed / 2) this.#corrections.delete(device)
    else this.#corrections.set(device, correction)
  }
}
