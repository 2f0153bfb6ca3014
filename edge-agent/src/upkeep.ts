import type { Clock } from '@millrace/pipeline'
import type { DeviceView, JournalEntry, Keeper } from '@millrace/windows'

export interface UpkeepOptions {
  keeper: Keeper
  /** The stack's clock: silence is measured on its monotonic scale. */
  clock: Clock
  /** Two windows where it is not set. */
  idleMs: number | undefined
  amendForMs: number
  amendMaxBytes: number
}

export type SpanEntry = Extract<JournalEntry, { kind: 'span' }>

const retireAfterMs = 7 * 86_400_000
/** Below this share of the budget the span may grow again. */
const growBelow = 0.5

/** What silence and the budget of sets ask for, as journal entries: nothing happens before they are on disk. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #listeningMs = Number.POSITIVE_INFINITY
  /** By device: when it was last closed for silence. What is set aside opens message windows, and those wait as long again. */
  readonly #closedMs = new Map<number, number>()

  constructor(options: UpkeepOptions) {
    this.#options = options
  }

  /** Silence is counted from now at the earliest: before it nobody could be heard. */
  listening(): void {
    this.#listeningMs = this.#options.clock.monotonic()
  }

  /** Devices that have become silent: their windows close, or after a week their sets go. */
  silence(): JournalEntry[] {
    const { keeper, idleMs = 2 * keeper.settings.lengthMs } = this.#options
    if (!keeper.anchored) return []
    const idle: number[] = []
    const retired: number[] = []
    for (const view of keeper.devices()) {
      const silentMs = this.#silentMs(view)
      if (view.hasOpen && Math.min(silentMs, this.#sinceClosedMs(view)) >= idleMs) idle.push(view.device)
      else if (silentMs >= retireAfterMs && hasSets(view)) retired.push(view.device)
    }
    for (const device of idle) this.#closedMs.set(device, this.#options.clock.monotonic())
    return [...entries('idle', idle), ...entries('retire', retired)]
  }

  /** The amendment span that keeps the sets within their budget, if it is another than now. */
  span(setBytes: number): SpanEntry | undefined {
    const { keeper, amendForMs, amendMaxBytes } = this.#options
    if (setBytes > amendMaxBytes) return this.shrunkSpan(0.8)
    if (setBytes > amendMaxBytes * growBelow || keeper.amendSpanMs >= amendForMs) return undefined
    return { kind: 'span', amendSpanMs: Math.min(amendForMs, Math.ceil(keeper.amendSpanMs * 1.25)) }
  }

  /** A shorter span, or undefined where it is as short as it can be. */
  shrunkSpan(factor: number): SpanEntry | undefined {
    const { keeper } = this.#options
    const shortestMs = 2 * keeper.settings.lengthMs
    if (keeper.amendSpanMs <= shortestMs) return undefined
    return { kind: 'span', amendSpanMs: Math.max(shortestMs, Math.floor(keeper.amendSpanMs * factor)) }
  }

  #sinceClosedMs({ device }: DeviceView): number {
    return this.#options.clock.monotonic() - (this.#closedMs.get(device) ?? Number.NEGATIVE_INFINITY)
  }

  /** Since a reading last entered one of the device's windows. */
  #silentMs({ lastArrivalMonotonicMs }: DeviceView): number {
    const since = Number.isNaN(lastArrivalMonotonicMs)
      ? this.#listeningMs
      : Math.max(this.#listeningMs, lastArrivalMonotonicMs)
    return this.#options.clock.monotonic() - since
  }
}

/** One of which no reading entered a window has none, and no floor to raise. */
function hasSets({ floorMs, newestMs }: DeviceView): boolean {
  return Number.isFinite(newestMs) && floorMs <= newestMs
}

function entries(kind: 'idle' | 'retire', devices: readonly number[]): JournalEntry[] {
  return devices.length > 0 ? [{ kind, devices: Uint32Array.from(devices) }] : []
}
