/**
 * The path of every reading: judge it, put it into its open window, move its device's time on.
 * A reading of the window that its series used last takes the short way; all else goes through `admit`.
 */
import { futureMs } from '@millrace/contracts'
import type { SetAsideOnApply } from '../keeper-types.ts'
import { keptFlags, packHead, stride } from '../packed-rows.ts'
import { removeRepeats, sortRows } from '../set-order.ts'
import { numbered, qos0, type ReadingColumns, unstamped } from '../types.ts'
import { type Arrival, stamped } from './arrival.ts'
import { closeDue } from './close-due.ts'
import { addReason, type DeviceState } from './device-state.ts'
import type { KeeperState } from './keeper-state.ts'
import { OpenRows } from './open-rows.ts'

/** Removing repeats again is worth it where they were at least this part of the set. */
const worthwhile = 16

const mostGrowth = 8

export class ReadingIntake {
  private readonly state: KeeperState
  /** Of the batch at hand. */
  private arrival: Arrival = { monotonicMs: 0, wallMs: 0, anchor: undefined }

  constructor(state: KeeperState) {
    this.state = state
  }

  apply(arrived: ReadingColumns, arrival: Arrival): void {
    this.arrival = arrival
    const readings = stamped(arrived, arrival)
    const latest = arrival.wallMs + futureMs
    const { series, ts, length } = readings
    const { recent } = this.state
    for (let i = 0; i < length; i += 1) {
      const window = recent[series[i]!]
      if (window !== undefined && ts[i]! <= latest && isShort(window, readings, i)) {
        this.arrive(window.owner, readings.flags[i]!)
        this.push(window, readings, i)
      } else this.admit(readings, i)
    }
  }

  private arrive(owner: DeviceState, flags: number): void {
    owner.counts.qos0 += (flags & qos0) >> 1
    if (!owner.touched) this.state.touch(owner)
  }

  private push(window: OpenRows, readings: ReadingColumns, i: number): void {
    const ts = readings.ts[i]!
    const at = window.offset + window.length * stride
    const { data, owner } = window
    data[at] = packHead(readings.boot[i]!, keptFlags(readings.flags[i]!), ts - window.start)
    data[at + 1] = readings.seq[i]!
    data[at + 2] = readings.value[i]!
    window.length += 1
    // Only what enters a window keeps the device from idle close: a clock far ahead must not hold its last minute open.
    owner.lastArrival = this.arrival.monotonicMs
    if (!window.touched) this.state.touchWindow(window)
    if (ts > owner.newest) this.moveOn(owner, ts)
  }

  private moveOn(owner: DeviceState, ts: number): void {
    owner.newest = ts
    owner.advance(this.state.amendSpanMs)
    if (owner.watermark >= owner.nextCloseAt) closeDue(this.state, owner, owner.watermark)
  }

  private admit(readings: ReadingColumns, i: number): void {
    const series = readings.series[i]!
    const owner = this.state.device(this.state.directory.deviceOf(series))
    this.arrive(owner, readings.flags[i]!)
    if (this.isRepeat(owner, readings, i)) {
      owner.counts.duplicate += 1
      return
    }
    const window = this.windowOf(owner, series, readings.ts[i]!)
    if (typeof window === 'string') this.setAside(owner, window, { readings, i })
    else if (window.length < window.room || this.grow(window, readings.ts[i]!) || this.makeRoom(window))
      this.push(window, readings, i)
    else this.setAside(owner, 'over-rate', { readings, i })
  }

  private isRepeat(owner: DeviceState, readings: ReadingColumns, i: number): boolean {
    const boot = readings.boot[i]!
    const seq = readings.seq[i]!
    if ((readings.flags[i]! & (unstamped | numbered)) === 0 || boot === 0 || Number.isNaN(seq)) return false
    return !this.state.unstamped.isNew(owner, readings.series[i]!, { boot, seq })
  }

  private windowOf(owner: DeviceState, series: number, ts: number): OpenRows | SetAsideOnApply {
    if (ts > this.arrival.wallMs + futureMs) return 'future'
    const { lengthMs, maxReadings } = owner.settingsAt(ts)
    const start = Math.floor(ts / lengthMs) * lengthMs
    const end = start + lengthMs
    if (end <= owner.floor) return 'too-late'
    const known = this.state.find(series, start)
    if (known) {
      this.state.moveToFront(known)
      return known
    }
    const closeAt = owner.closeAtFor(end, lengthMs)
    const window = new OpenRows(series, owner, { start, lengthMs, maxReadings, closeAt, late: end <= owner.watermark })
    this.state.link(window)
    return window
  }

  /** To what the series' last window held, or what this one will hold at its rate so far: old stretches are not given back. */
  private grow(window: OpenRows, ts: number): boolean {
    const atThisRate = Math.ceil((window.length * window.lengthMs) / Math.max(1, ts - window.start))
    const likely = Math.max(this.state.likelyRows[window.series]!, Math.min(atThisRate, window.length * mostGrowth))
    return window.grow(this.state.arena, likely)
  }

  /**
   * Removes repeats from a full window; false where that was done before and gave little. A sort per reading is more than
   * a device that sends too much may cost, so a window that is almost free of repeats stays full.
   */
  private makeRoom(window: OpenRows): boolean {
    if (window.full) return false
    const { directory } = this.state
    const { rows, repeats } = removeRepeats(sortRows(window.columns(), (boot) => directory.bootName(boot)))
    window.replace(rows, this.state.arena)
    window.full = repeats * worthwhile < window.maxReadings
    window.duplicates += repeats
    window.owner.counts.duplicate += repeats
    this.state.touchWindow(window)
    return repeats > 0
  }

  private setAside(
    owner: DeviceState,
    reason: SetAsideOnApply,
    { readings, i }: { readings: ReadingColumns; i: number },
  ): void {
    if (reason === 'too-late') owner.counts.tooLate += 1
    else addReason(reason === 'future' ? owner.counts.invalid : owner.counts.dropped, reason, 1)
    this.state.setAside.add({
      device: owner.id,
      series: readings.series[i]!,
      ts: readings.ts[i]!,
      seq: readings.seq[i]!,
      boot: readings.boot[i]!,
      value: readings.value[i]!,
      flags: readings.flags[i]!,
      reason,
      arrivedMs: this.arrival.wallMs,
    })
  }
}

/** The window is open, has room and holds the reading's time, and neither floor nor stamp needs a closer look. */
function isShort(window: OpenRows, readings: ReadingColumns, i: number): boolean {
  const ts = readings.ts[i]!
  return (
    ts >= window.start &&
    ts < window.end &&
    window.length < window.room &&
    window.end > window.owner.floor &&
    (readings.flags[i]! & (unstamped | numbered)) === 0
  )
}
