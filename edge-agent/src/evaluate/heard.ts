import type { RuleHeard } from '@millrace/rules'
import type { DeviceView, Keeper } from '@millrace/windows'
import type { Names } from '../names.ts'

/** When each device was last heard, for the rules of silence. */
export class Heard {
  readonly #names: Names
  readonly #agent: string
  readonly #told = new Map<number, number>()

  constructor(names: Names, agent: string) {
    this.#names = names
    this.#agent = agent
  }

  /** Other rules have heard of nobody yet. */
  forget(): void {
    this.#told.clear()
  }

  /** Devices heard of since the last call. */
  take(keeper: Keeper): RuleHeard[] {
    const rows: RuleHeard[] = []
    for (const view of keeper.devices()) {
      const ts = heardMs(view, keeper)
      if (ts === undefined || ts <= (this.#told.get(view.device) ?? Number.NEGATIVE_INFINITY)) continue
      this.#told.set(view.device, ts)
      const { device } = view
      const names = { site: this.#names.siteOf(device), device: this.#names.deviceName(device) }
      rows.push({ ...names, agent: this.#agent, ts })
    }
    return rows
  }
}

/** The later of its newest event time and its last arrival: a device whose clock is behind is not silent for that. */
function heardMs({ newestMs, lastArrivalMonotonicMs }: DeviceView, keeper: Keeper): number | undefined {
  const arrivedMs = Math.round(keeper.timeAt(lastArrivalMonotonicMs))
  const ts = Number.isNaN(arrivedMs) ? newestMs : Math.max(newestMs, arrivedMs)
  return Number.isFinite(ts) ? ts : undefined
}
