import type { Closings } from '../keeper-types.ts'
import type { Directory, WindowSettings } from '../types.ts'
import { Arena } from './arena.ts'
import { DeviceState } from './device-state.ts'
import type { OpenMessages } from './open-messages.ts'
import type { OpenRows } from './open-rows.ts'
import { SetAsideLog } from './set-aside-log.ts'
import { UnstampedKeys } from './unstamped-keys.ts'

/** The agent's time: `wallMs` was true at `monotonicMs`. */
export interface Anchor {
  monotonicMs: number
  wallMs: number
}

/** A journal entry of data that waits for the first anchor. */
export interface PendingEntry {
  bytes: Uint8Array
  /** Of an earlier start: its monotonic times mean nothing now. */
  ofEarlierStart: boolean
}

/** What the parts of the keeper share. */
export class KeeperState {
  readonly directory: Directory
  settings: WindowSettings
  /** Infinity unless a `span` entry has said otherwise. */
  amendSpanMs = Number.POSITIVE_INFINITY
  epoch = ''
  anchor: Anchor | undefined
  pending: PendingEntry[] = []
  /** Settings, span, epoch, anchor or pending entries changed since the last `takeChanges`. */
  globalTouched = true
  readonly devices: (DeviceState | undefined)[] = []
  /** By series: the open window used last, head of a list of all of them. */
  readonly recent: (OpenRows | undefined)[] = []
  /** By series: rows that its next window will probably hold. */
  readonly likelyRows: number[] = []
  readonly arena = new Arena()
  readonly setAside = new SetAsideLog()
  readonly unstamped = new UnstampedKeys()
  closings: Closings = { windows: [], completeness: [] }
  touchedWindows: OpenRows[] = []
  touchedMessages: OpenMessages[] = []
  touchedDevices: DeviceState[] = []
  deletedWindows: OpenRows[] = []
  deletedMessages: OpenMessages[] = []

  constructor(directory: Directory, settings: WindowSettings) {
    this.directory = directory
    this.settings = settings
  }

  device(id: number): DeviceState {
    const known = this.devices[id]
    if (known) return known
    const device = new DeviceState(id, [{ fromMs: Number.NEGATIVE_INFINITY, settings: this.settings }])
    this.putDevice(device)
    this.touch(device)
    return device
  }

  putDevice(device: DeviceState): void {
    fillUpTo(this.devices, device.id)
    this.devices[device.id] = device
  }

  *allDevices(): Generator<DeviceState> {
    // Ids are dense but a device may not have sent yet.
    for (const device of this.devices) if (device) yield device
  }

  touch(device: DeviceState): void {
    if (device.touched) return
    device.touched = true
    this.touchedDevices.push(device)
  }

  touchWindow(window: OpenRows): void {
    if (window.touched) return
    window.touched = true
    this.touchedWindows.push(window)
  }

  /** The series' open window that starts here. */
  find(series: number, start: number): OpenRows | undefined {
    let window = this.recent[series]
    while (window && window.start !== start) window = window.next
    return window
  }

  link(window: OpenRows): void {
    fillUpTo(this.recent, window.series)
    while (this.likelyRows.length <= window.series) this.likelyRows.push(0)
    window.next = this.recent[window.series]
    this.recent[window.series] = window
    window.owner.open.add(window)
    window.owner.opened(window.closeAt)
  }

  /** Makes it the head of its list, where the next reading looks first. */
  moveToFront(window: OpenRows): void {
    if (this.recent[window.series] === window) return
    this.cut(window)
    window.next = this.recent[window.series]
    this.recent[window.series] = window
  }

  unlink(window: OpenRows): void {
    if (!window.late) this.likelyRows[window.series] = window.length + (window.length >> 3) + 1
    this.cut(window)
    window.owner.open.delete(window)
    window.isOpen = false
    if (window.saved) this.deletedWindows.push(window)
  }

  linkMessages(device: DeviceState, window: OpenMessages): void {
    device.openMessages.add(window)
    device.opened(window.closeAt)
  }

  touchMessages(window: OpenMessages): void {
    if (window.touched) return
    window.touched = true
    this.touchedMessages.push(window)
  }

  unlinkMessages(device: DeviceState, window: OpenMessages): void {
    device.openMessages.delete(window)
    if (device.recentMessages === window) device.recentMessages = undefined
    window.isOpen = false
    if (window.saved) this.deletedMessages.push(window)
  }

  private cut(window: OpenRows): void {
    const head = this.recent[window.series]
    if (head === window) {
      this.recent[window.series] = window.next
      return
    }
    let before = head
    while (before && before.next !== window) before = before.next
    if (before) before.next = window.next
  }
}

/** Without holes, which would make every look-up slow. */
function fillUpTo(array: unknown[], index: number): void {
  while (array.length <= index) array.push(undefined)
}
