import type { Directory, ReadingBatch, ReadingColumns, TakenCount } from '../types.ts'
import type { DeviceState } from './device-state.ts'
import type { KeeperState } from './keeper-state.ts'

/** Readings of each device, counted in the columns. */
export function takenOf({ series, length }: ReadingColumns, directory: Directory): TakenCount[] {
  const counts = new Map<number, number>()
  for (let i = 0; i < length; i += 1) {
    const device = directory.deviceOf(series[i]!)
    counts.set(device, (counts.get(device) ?? 0) + 1)
  }
  return [...counts].map(([device, count]) => ({ device, count }))
}

/** Data that waits for the first anchor. */
export function countHeld(state: KeeperState, { readings }: ReadingBatch): void {
  for (const { device, count } of takenOf(readings, state.directory)) state.device(device).held += count
}

/** Counted where the readings are, so that one which is nowhere is in no term. */
export function openOf(device: DeviceState): number {
  let open = device.held + device.closing
  for (const window of device.open) open += window.length
  return open
}
