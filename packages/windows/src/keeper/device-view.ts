import type { DeviceView } from '../keeper-types.ts'
import type { DeviceState } from './device-state.ts'
import { openOf } from './taken.ts'

/** A copy for others to read. */
export function deviceView(device: DeviceState): DeviceView {
  const { counts } = device
  return {
    device: device.id,
    newestMs: device.newest,
    watermarkMs: device.watermark,
    floorMs: device.floor,
    setsFromMs: Math.min(device.floor, device.firstOpenMs()),
    lastArrivalMonotonicMs: device.lastArrival,
    hasOpen: device.hasOpen,
    lengthMs: device.inForce.lengthMs,
    counts: { ...counts, open: openOf(device), invalid: { ...counts.invalid }, dropped: { ...counts.dropped } },
  }
}
