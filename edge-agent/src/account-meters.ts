import type { Meters } from '@millrace/pipeline'
import type { DeviceAccount } from './accounts.ts'
import type { AgentStatus } from './status.ts'

/** A time series for each term of each device: more devices than this are only in the totals. */
export const maxMeteredDevices = 100

const terms = ['accepted', 'closed', 'open', 'duplicate', 'tooLate', 'invalid', 'dropped', 'qos0', 'sent'] as const

/** The accounts as meters: the agent's always, each device's as long as they are few. */
export function fillAccountMeters(meters: Meters, status: AgentStatus, devices: readonly DeviceAccount[]): void {
  const { accounts, unaccounted, lostMessages } = status
  const readings = meters.gauge('readings', 'Readings by the term they are counted in, ever', ['term'])
  for (const [term, count] of Object.entries(accounts)) readings.set({ term }, count)
  const help =
    'Accepted readings that no term or no message holds, and messages that are nowhere; 0 or something is wrong'
  meters.gauge('unaccounted', help).set(unaccounted)
  meters.gauge('lost_messages', 'Messages neither receipted nor waiting nor given up').set(lostMessages)
  const shown = devices.slice(0, maxMeteredDevices)
  const labels = ['site', 'device', 'term']
  const ofDevice = meters.gauge('device_readings', 'Readings of a device by term, ever', labels)
  const left = meters.gauge('device_unaccounted', 'Unaccounted readings of a device', ['site', 'device'])
  for (const device of shown) {
    const name = { site: device.site, device: device.device }
    for (const term of terms) ofDevice.set({ ...name, term }, device[term])
    left.set(name, device.unaccounted)
  }
  meters.gauge('devices_not_metered', 'Devices beyond those metered one by one').set(devices.length - shown.length)
}
