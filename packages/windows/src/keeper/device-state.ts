import type { DeviceCounts } from '../keeper-types.ts'
import type { WindowSettings } from '../types.ts'
import type { OpenMessages } from './open-messages.ts'
import type { OpenRows } from './open-rows.ts'

const hourMs = 3_600_000

/** Settings in force for event times from `fromMs` to the next span's. */
export interface SettingsSpan {
  fromMs: number
  settings: WindowSettings
}

/** Mutable `DeviceCounts`; what is open is counted where it is. */
export interface Tally extends Omit<DeviceCounts, 'open'> {
  invalid: Record<string, number>
  dropped: Record<string, number>
}

/** What the windows know of one device. Times are epoch ms of the device's own event time unless said otherwise. */
export class DeviceState {
  readonly id: number
  newest = Number.NEGATIVE_INFINITY
  watermark = Number.NEGATIVE_INFINITY
  floor = Number.NEGATIVE_INFINITY
  /** On the monotonic scale of this start of the agent; NaN where nothing arrived since. */
  lastArrival = Number.NaN
  readonly open = new Set<OpenRows>()
  readonly openMessages = new Set<OpenMessages>()
  /** The message window used last. */
  recentMessages: OpenMessages | undefined
  /** Smallest `closeAt` of the open windows of both kinds. */
  nextCloseAt = Number.POSITIVE_INFINITY
  readonly counts: Tally = emptyTally()
  /** Readings in closings that are not settled yet. */
  closing = 0
  /** Readings that wait for the first anchor. */
  held = 0
  /** Boots of unstamped readings, oldest first. */
  readonly boots: number[] = []
  /** Since the last `takeChanges`. */
  touched = false
  /** Settings for the newest reading, and the event time at which the next ones hold. */
  inForce: WindowSettings
  switchAt = Number.POSITIVE_INFINITY
  private spans: SettingsSpan[]

  constructor(id: number, spans: SettingsSpan[]) {
    this.id = id
    this.spans = spans
    this.inForce = spans[0]!.settings
    this.refresh()
  }

  get settingsSpans(): readonly SettingsSpan[] {
    return this.spans
  }

  settingsAt(ts: number): WindowSettings {
    return (this.spans.findLast((span) => span.fromMs <= ts) ?? this.spans[0]!).settings
  }

  /** From the full hour after everything seen, so that no window changes its length while it is open; at once where nothing was seen. */
  schedule(settings: WindowSettings): void {
    const seen = Math.max(this.newest, this.lastOpenMs())
    const fromMs = seen === Number.NEGATIVE_INFINITY ? seen : Math.floor(seen / hourMs) * hourMs + hourMs
    const before = this.spans.filter((span) => span.fromMs < fromMs)
    // A span wholly below the floor is asked for by nobody: whatever its length, its windows end by the next hour.
    const needed = before.filter((_, i) => (before[i + 1]?.fromMs ?? fromMs) > this.floor)
    this.spans = [...needed, { fromMs, settings }]
    this.refresh()
  }

  /** After `newest` has moved. */
  refresh(): void {
    this.inForce = this.settingsAt(this.newest)
    this.switchAt = this.spans.find((span) => span.fromMs > this.newest)?.fromMs ?? Number.POSITIVE_INFINITY
  }

  /** Moves the watermark and the floor to where the newest reading puts them; neither ever falls. */
  advance(amendSpanMs: number): void {
    if (this.newest >= this.switchAt) this.refresh()
    const { latenessMs, amendForMs } = this.inForce
    this.watermark = Math.max(this.watermark, this.newest - latenessMs)
    this.raiseFloor(this.watermark - Math.min(amendForMs, amendSpanMs))
  }

  raiseFloor(floor: number): void {
    if (floor > this.floor) this.floor = floor
  }

  /** When a window with this end closes: at its end, or, where that has passed, once the watermark is a window further. */
  closeAtFor(end: number, lengthMs: number): number {
    return end > this.watermark ? end : this.watermark + lengthMs
  }

  opened(closeAt: number): void {
    if (closeAt < this.nextCloseAt) this.nextCloseAt = closeAt
  }

  findNextClose(): void {
    this.nextCloseAt = Number.POSITIVE_INFINITY
    for (const window of this.open) this.opened(window.closeAt)
    for (const window of this.openMessages) this.opened(window.closeAt)
  }

  get hasOpen(): boolean {
    return this.open.size > 0 || this.openMessages.size > 0
  }

  firstOpenMs(): number {
    let first = Number.POSITIVE_INFINITY
    for (const window of this.open) first = Math.min(first, window.start)
    for (const window of this.openMessages) first = Math.min(first, window.start)
    return first
  }

  private lastOpenMs(): number {
    let last = Number.NEGATIVE_INFINITY
    for (const window of this.open) last = Math.max(last, window.end - 1)
    for (const window of this.openMessages) last = Math.max(last, window.end - 1)
    return last
  }
}

export function emptyTally(): Tally {
  return { accepted: 0, closed: 0, duplicate: 0, tooLate: 0, invalid: {}, dropped: {}, qos0: 0 }
}

export function addReason(counts: Record<string, number>, reason: string, count: number): void {
  counts[reason] = (counts[reason] ?? 0) + count
}
