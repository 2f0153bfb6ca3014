/**
 * The windows of an agent, kept in memory as a function of its journal.
 *
 *   entry -> (no anchor yet: waits) -> messages, then readings of the batch -> open windows -> closings
 *
 * Everything that decides anything is an entry or is derived from entries in order: event times move watermarks and
 * floors reading by reading, never by batch or by checkpoint, so a journal cut anywhere gives the same closings.
 * Messages of a batch are counted before its readings, whose times close windows.
 */
import { decodeEntry, encodeEntry } from './entry-codec.ts'
import { type Arrival, agentTime } from './keeper/arrival.ts'
import { restoreState, takeChanges } from './keeper/changes.ts'
import { closeDue } from './keeper/close-due.ts'
import { addReason, type DeviceState } from './keeper/device-state.ts'
import { deviceView } from './keeper/device-view.ts'
import { type Anchor, KeeperState } from './keeper/keeper-state.ts'
import { MessageIntake } from './keeper/message-intake.ts'
import { ReadingIntake } from './keeper/reading-intake.ts'
import { countHeld, takenOf } from './keeper/taken.ts'
import type {
  Closings,
  DeviceView,
  Keeper,
  KeeperChanges,
  KeeperSaved,
  OpenWindow,
  SetAside,
  Settlement,
  SummaryValues,
} from './keeper-types.ts'
import { unpack } from './packed-rows.ts'
import { removeRepeats, sortRows } from './set-order.ts'
import { summarize } from './summarize.ts'
import type { Directory, JournalEntry, ReadingBatch, WindowSettings } from './types.ts'
import { checkSettings } from './window-settings.ts'

export class WindowKeeper implements Keeper {
  private readonly state: KeeperState
  private readonly readings: ReadingIntake
  private readonly messages: MessageIntake

  /** Throws RangeError on settings that windows cannot have. */
  constructor(directory: Directory, settings: WindowSettings, state = new KeeperState(directory, settings)) {
    checkSettings(settings)
    this.state = state
    this.readings = new ReadingIntake(state)
    this.messages = new MessageIntake(state)
  }

  /** `settings` hold only where nothing was saved; else compare `keeper.settings` and journal a `settings` entry. Throws RangeError or SyntaxError on rows that no keeper made. */
  static restore(directory: Directory, settings: WindowSettings, saved: KeeperSaved): WindowKeeper {
    return new WindowKeeper(directory, settings, restoreState(directory, settings, saved))
  }

  get settings(): WindowSettings {
    return this.state.settings
  }

  get amendSpanMs(): number {
    return Math.min(this.state.amendSpanMs, this.state.settings.amendForMs)
  }

  get anchored(): boolean {
    return this.state.anchor !== undefined
  }

  timeAt(monotonicMs: number): number {
    return this.state.anchor ? agentTime(this.state.anchor, monotonicMs) : Number.NaN
  }

  apply(entry: JournalEntry): void {
    if (entry.kind === 'data') this.applyData(entry.batch)
    else if (entry.kind === 'idle') for (const id of entry.devices) this.closeAll(this.state.device(id))
    else if (entry.kind === 'dropped') this.giveUp(entry.losses)
    else if (entry.kind === 'retire') for (const id of entry.devices) this.retire(this.state.device(id))
    else this.applyGlobal(entry)
  }

  takeClosings(): Closings {
    const { closings } = this.state
    this.state.closings = { windows: [], completeness: [] }
    return closings
  }

  settle(outcomes: Iterable<Settlement>): void {
    for (const { device: id, closed, duplicate, dropped } of outcomes) {
      const device = this.state.device(id)
      device.counts.closed += closed
      device.counts.duplicate += duplicate
      if (dropped > 0) addReason(device.counts.dropped, 'over-rate', dropped)
      this.state.touch(device)
    }
    // Everything taken is settled now: what no outcome names has been lost, and the accounts show it.
    for (const device of this.state.allDevices()) device.closing = 0
  }

  takeSetAside(): SetAside {
    return this.state.setAside.take()
  }

  takeChanges(): KeeperChanges {
    return takeChanges(this.state)
  }

  *openWindows(): Generator<OpenWindow> {
    for (const device of this.state.allDevices()) yield* device.open
  }

  provisional(window: OpenWindow): SummaryValues {
    const { directory } = this.state
    const { rows, repeats } = removeRepeats(sortRows(unpack(window.rows), (boot) => directory.bootName(boot)))
    const { start, lengthMs, series } = window
    const duplicate = window.duplicates + repeats
    return summarize(rows, { kind: directory.kindOf(series), start, lengthMs, duplicate })
  }

  *devices(): Generator<DeviceView> {
    for (const device of this.state.allDevices()) yield deviceView(device)
  }

  eachHeard(take: (device: number, newestMs: number, lastArrivalMonotonicMs: number) => void): void {
    for (const device of this.state.devices) if (device) take(device.id, device.newest, device.lastArrival)
  }

  device(id: number): DeviceView | undefined {
    const device = this.state.devices[id]
    return device && deviceView(device)
  }

  private applyData(batch: ReadingBatch): void {
    this.countInvalid(batch)
    this.countTaken(batch)
    const { anchor } = this.state
    if (anchor) this.take(batch, arrivalAt(anchor, batch.arrivedMonotonicMs))
    else this.hold(batch)
  }

  private take(batch: ReadingBatch, arrival: Arrival): void {
    this.messages.apply(batch.messages, arrival)
    this.readings.apply(batch.readings, arrival)
  }

  /** Until the first anchor data waits as it came; in the accounts its readings are open. */
  private hold(batch: ReadingBatch): void {
    countHeld(this.state, batch)
    const bytes = encodeEntry({ kind: 'data', batch: { ...batch, invalid: [], taken: [] } })
    this.state.pending.push({ bytes, ofEarlierStart: false })
    this.state.globalTouched = true
  }

  private release(anchor: Anchor): void {
    for (const device of this.state.allDevices()) device.held = 0
    for (const { bytes, ofEarlierStart } of this.state.pending.splice(0)) {
      const entry = decodeEntry(bytes)
      if (entry.kind !== 'data') continue
      const wallMs = Math.round(anchor.wallMs)
      const earlier = { monotonicMs: Number.NaN, wallMs, anchor: undefined }
      this.take(entry.batch, ofEarlierStart ? earlier : arrivalAt(anchor, entry.batch.arrivedMonotonicMs))
    }
  }

  private countTaken(batch: ReadingBatch): void {
    for (const { device: id, count } of batch.taken ?? takenOf(batch.readings, this.state.directory)) {
      const device = this.state.device(id)
      device.counts.accepted += count
      this.state.touch(device)
    }
  }

  private countInvalid(batch: ReadingBatch): void {
    for (const { device: id, reason, count } of batch.invalid) {
      const device = this.state.device(id)
      device.counts.accepted += count
      addReason(device.counts.invalid, reason, count)
      this.state.touch(device)
    }
  }

  private giveUp(losses: readonly { device: number; readings: number }[]): void {
    for (const { device: id, readings } of losses) {
      const device = this.state.device(id)
      device.counts.closed -= readings
      addReason(device.counts.dropped, 'full', readings)
      this.state.touch(device)
    }
  }

  private applyGlobal(entry: Exclude<JournalEntry, { kind: 'data' | 'idle' | 'retire' | 'dropped' }>): void {
    this.state.globalTouched = true
    if (entry.kind === 'anchor') this.anchor(entry)
    else if (entry.kind === 'start') this.start(entry.epoch)
    else if (entry.kind === 'span') this.setSpan(entry.amendSpanMs)
    else this.changeSettings(entry.settings)
  }

  private anchor({ monotonicMs, wallMs }: Anchor): void {
    this.state.anchor = { monotonicMs, wallMs }
    this.release(this.state.anchor)
  }

  private start(epoch: string): void {
    this.state.epoch = epoch
    this.state.anchor = undefined
    for (const entry of this.state.pending) entry.ofEarlierStart = true
    for (const device of this.state.allDevices()) {
      device.lastArrival = Number.NaN
      this.state.touch(device)
    }
  }

  private setSpan(amendSpanMs: number): void {
    this.state.amendSpanMs = amendSpanMs
    for (const device of this.state.allDevices()) {
      device.advance(amendSpanMs)
      this.state.touch(device)
    }
  }

  private changeSettings(settings: WindowSettings): void {
    checkSettings(settings)
    this.state.settings = settings
    for (const device of this.state.allDevices()) {
      device.schedule(settings)
      this.state.touch(device)
    }
  }

  private closeAll(device: DeviceState): void {
    if (device.hasOpen) closeDue(this.state, device, Number.POSITIVE_INFINITY)
  }

  private retire(device: DeviceState): void {
    this.closeAll(device)
    this.state.unstamped.forget(device)
    const { lengthMs } = device.settingsAt(device.newest)
    device.raiseFloor(Math.floor(device.newest / lengthMs) * lengthMs + lengthMs)
    this.state.touch(device)
  }
}

function arrivalAt(anchor: Anchor, monotonicMs: number): Arrival {
  return { monotonicMs, wallMs: agentTime(anchor, monotonicMs), anchor }
}
