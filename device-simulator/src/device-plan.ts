import type { DevicePlan } from './device.ts'
import { type Fleet, type FleetDevice, namesOf } from './fleet.ts'
import { sensors } from './generate/index.ts'
import { hashText } from './random.ts'
import { createRoom, type Room } from './room.ts'
import type { Sensor } from './sensor.ts'

export interface FleetScale {
  seed: number
  /** How many devices instead of those in the file; measured ones come on top. */
  devices?: number | undefined
  /** Readings a second of every sensor, instead of the file's intervals. */
  rateHz?: number | undefined
  /** T0 of the run; without one there is only a past. */
  t0Ms?: number | undefined
}

interface Entry {
  site: string
  device: string
  utcOffsetHours: number
  settings: FleetDevice
}

/** The devices of a fleet: a function of the file and the scale alone. */
export async function planDevices(fleet: Fleet, scale: FleetScale): Promise<DevicePlan[]> {
  const entries = fleet.sites.flatMap(({ site, utcOffset, devices }) =>
    devices.flatMap((settings) =>
      namesOf(settings).map((device): Entry => ({ site, device, utcOffsetHours: utcOffset, settings })),
    ),
  )
  const plans = await Promise.all(scaled(entries, scale.devices).map((entry) => plan(entry, scale)))
  const of = plans.filter(({ measured }) => !measured).length
  let index = 0
  return plans.map((each) => ({ ...each, of, index: each.measured ? -1 : index++ }))
}

const isHost = ({ settings }: Entry) => settings.sensors.some(({ type }) => type === 'host')

/** The first N, taken from all sites in turn; more than there are become copies with a number behind their name. */
function scaled(entries: Entry[], devices: number | undefined): Entry[] {
  if (devices === undefined) return entries
  const hosts = entries.filter(isHost)
  const rest = inTurn(entries.filter((entry) => !isHost(entry)))
  if (rest.length === 0) return hosts
  const copies = Array.from({ length: devices }, (_none, n): Entry => {
    const entry = rest[n % rest.length]!
    const round = Math.floor(n / rest.length)
    return round === 0 ? entry : { ...entry, device: `${entry.device.slice(0, 56)}.${round + 1}` }
  })
  return [...copies, ...hosts]
}

function inTurn(entries: Entry[]): Entry[] {
  const bySite = [...Map.groupBy(entries, ({ site }) => site).values()]
  const longest = Math.max(...bySite.map(({ length }) => length))
  return Array.from({ length: longest }, (_none, n) => bySite.flatMap((list) => list.slice(n, n + 1))).flat()
}

async function plan({ site, device, utcOffsetHours, settings }: Entry, scale: FleetScale): Promise<DevicePlan> {
  const { seed, rateHz, t0Ms } = scale
  const room = createRoom({ site, device, seed, utcOffsetHours, place: settings.place, t0Ms })
  const everyMs = rateHz === undefined ? settings.every : Math.max(1, Math.round(1000 / rateHz))
  const everyTicks = (every: number | undefined) =>
    rateHz === undefined && every !== undefined ? every / settings.every : 1
  const built = await Promise.all(
    settings.sensors.map(async (each) => ({ sensor: await create(each, room), everyTicks: everyTicks(each.every) })),
  )
  return {
    ...{ site, device, index: 0, of: 0, seed: hashText(`${site}/${device}`, seed), everyMs },
    ...{ boot: settings.boot, stamped: settings.stamped, sensors: built },
    jitterMs: Math.min(settings.jitter, everyMs - 1),
    measured: built.some(({ sensor }) => sensor.measured === true),
  }
}

function create(settings: { type: string; every?: number }, room: Room): Promise<Sensor> {
  return sensors.create(settings, room)
}
