import type { RuleHeard } from '@millrace/rules'
import type { Keeper } from '@millrace/windows'
import type { Names } from '../names.ts'

/** Device ids are dense. */
const firstCapacity = 1_024
const never = Number.NEGATIVE_INFINITY

/** When each device was last heard, for the rules of silence. */
export class Heard {
  readonly #names: Names
  readonly #agent: string
  /** By device: what the rules were told last, and what there was to tell at the last look. */
  #told = new Float64Array(firstCapacity).fill(never)
  #seen = new Float64Array(firstCapacity).fill(never)

  constructor(names: Names, agent: string) {
    this.#names = names
    this.#agent = agent
  }

  /** Other rules have heard of nobody yet. */
  forget(): void {
    this.#told.fill(never)
    this.#seen.fill(never)
  }

  /**
   * Devices heard of since they were told last, where that was `everyMs` before `atMs` at least: no pause that is longer
   * than twice that looks longer or shorter for it.
   */
  take(keeper: Keeper, atMs: number, everyMs: number): RuleHeard[] {
    const rows: RuleHeard[] = []
    if (everyMs === Number.POSITIVE_INFINITY) return rows
    const monotonicZeroMs = keeper.timeAt(0)
    keeper.eachHeard((device, newestMs, lastArrivalMonotonicMs) => {
      const ts = laterOf(newestMs, Math.round(monotonicZeroMs + lastArrivalMonotonicMs))
      if (device >= this.#told.length) this.#grow(device)
      const told = this.#told[device]!
      if (!(ts > told)) return
      // It was heard before a pause in looking.
      if (ts - told >= 2 * everyMs) this.#tell(rows, device)
      this.#seen[device] = ts
      if (atMs - told >= everyMs) this.#tell(rows, device)
    })
    return rows
  }

  /** What was seen of a device, unless it was told. */
  #tell(rows: RuleHeard[], device: number): void {
    const seen = this.#seen[device]!
    if (seen > this.#told[device]!) rows.push(this.#row(device, seen))
    this.#told[device] = seen
  }

  #row(device: number, ts: number): RuleHeard {
    const site = this.#names.siteOf(device)
    return { site, device: this.#names.deviceName(device), agent: this.#agent, ts }
  }

  #grow(device: number): void {
    this.#told = grown(this.#told, 2 * device)
    this.#seen = grown(this.#seen, 2 * device)
  }
}

/** A device whose clock is behind is not silent for that. Times that are not known are none. */
function laterOf(newestMs: number, arrivedMs: number): number {
  return arrivedMs > newestMs ? arrivedMs : newestMs
}

function grown(times: Float64Array<ArrayBuffer>, capacity: number): Float64Array<ArrayBuffer> {
  const more = new Float64Array(capacity).fill(never)
  more.set(times)
  return more
}
