import { encodeMessages } from '../message-sets.ts'
import type { DeviceState } from './device-state.ts'
import type { KeeperState } from './keeper-state.ts'

/** Closes the device's windows whose time has come, in order of start and series; with Infinity all of them. */
export function closeDue(state: KeeperState, device: DeviceState, upTo: number): void {
  closeRows(state, device, upTo)
  closeMessages(state, device, upTo)
  device.findNextClose()
  state.touch(device)
}

function closeRows(state: KeeperState, device: DeviceState, upTo: number): void {
  const due = dueOf(device.open, upTo)
  if (due.length > 1) due.sort((a, b) => a.start - b.start || a.series - b.series)
  for (const window of due) {
    state.unlink(window)
    const { series, start, lengthMs, maxReadings, duplicates, rows } = window
    device.closing += window.length
    state.closings.windows.push({ series, device: device.id, start, lengthMs, maxReadings, duplicates, rows })
  }
}

function closeMessages(state: KeeperState, device: DeviceState, upTo: number): void {
  const due = dueOf(device.openMessages, upTo)
  if (due.length > 1) due.sort((a, b) => a.start - b.start)
  for (const window of due) {
    state.unlinkMessages(device, window)
    const { start, lengthMs, boots } = window
    state.closings.completeness.push({ device: device.id, start, lengthMs, bytes: encodeMessages(boots) })
  }
}

function dueOf<Window extends { closeAt: number }>(open: ReadonlySet<Window>, upTo: number): Window[] {
  const due: Window[] = []
  for (const window of open) if (window.closeAt <= upTo) due.push(window)
  return due
}
