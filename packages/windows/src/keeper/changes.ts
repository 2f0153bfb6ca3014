import { BytePool } from '../bytes.ts'
import { decodeEntry } from '../entry-codec.ts'
import type { KeeperChanges, KeeperSaved } from '../keeper-types.ts'
import type { Directory, WindowSettings } from '../types.ts'
import { KeeperState } from './keeper-state.ts'
import {
  decodeDevice,
  decodeGlobal,
  decodeOpenMessages,
  decodeWindow,
  encodeDevice,
  encodeGlobal,
  encodeOpenMessages,
  encodeWindow,
} from './saved-rows.ts'
import { countHeld } from './taken.ts'

/** What differs from the checkpoint before; forgets it. */
export function takeChanges(state: KeeperState): KeeperChanges {
  const pool = new BytePool()
  const changes = {
    ...takeWindows(state, pool),
    ...takeMessages(state, pool),
    ...state.unstamped.takeChanges(),
    devices: state.touchedDevices.map((device) => ({ device: device.id, bytes: encodeDevice(device) })),
    global: state.globalTouched ? encodeGlobal(state) : undefined,
  }
  for (const device of state.touchedDevices) device.touched = false
  state.touchedDevices = []
  state.globalTouched = false
  return changes
}

function takeWindows(state: KeeperState, pool: BytePool): Pick<KeeperChanges, 'windows' | 'deletedWindows'> {
  const open = state.touchedWindows.filter((window) => window.isOpen)
  const windows = open.map((window) => {
    window.touched = false
    window.saved = true
    return { series: window.series, start: window.start, bytes: encodeWindow(window, pool) }
  })
  // One that was opened again meanwhile is among those to write.
  const deletedWindows = state.deletedWindows
    .filter(({ series, start }) => !state.find(series, start))
    .map(({ series, start }) => ({ series, start }))
  state.touchedWindows = []
  state.deletedWindows = []
  return { windows, deletedWindows }
}

function takeMessages(state: KeeperState, pool: BytePool): Pick<KeeperChanges, 'completeness' | 'deletedCompleteness'> {
  const open = state.touchedMessages.filter((window) => window.isOpen)
  const completeness = open.map((window) => {
    window.touched = false
    window.saved = true
    return { device: window.device, start: window.start, bytes: encodeOpenMessages(window, pool) }
  })
  const isOpenAgain = (device: number, start: number) =>
    [...state.device(device).openMessages].some((window) => window.start === start)
  const deletedCompleteness = state.deletedMessages
    .filter(({ device, start }) => !isOpenAgain(device, start))
    .map(({ device, start }) => ({ device, start }))
  state.touchedMessages = []
  state.deletedMessages = []
  return { completeness, deletedCompleteness }
}

/** Throws RangeError or SyntaxError on rows that no keeper made. */
export function restoreState(directory: Directory, settings: WindowSettings, saved: KeeperSaved): KeeperState {
  const state = new KeeperState(directory, settings)
  for (const { device, bytes } of saved.devices) state.putDevice(decodeDevice(device, bytes))
  if (saved.global) {
    decodeGlobal(state, saved.global)
    state.globalTouched = false
  }
  for (const { bytes } of state.pending) {
    const entry = decodeEntry(bytes)
    if (entry.kind === 'data') countHeld(state, entry.batch)
  }
  for (const window of saved.windows) {
    state.link(decodeWindow(state, window))
  }
  for (const window of saved.completeness) {
    state.linkMessages(state.device(window.device), decodeOpenMessages(window))
  }
  for (const row of saved.unstamped) state.unstamped.restore(directory.deviceOf(row.series), row)
  return state
}
