import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { white } from '../random.ts'
import { type Room, slotMs } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({
  ...timing,
  /** Where a room full of people ends up above fresh air, ppm. */
  full: z.number().min(0).max(3_000).default(950),
})
const freshAirPpm = 420
const airChangeMs = 55 * 60_000
/** What a slot leaves behind after this many is below a thousandth of a ppm. */
const memorySlots = 26

/** CO2 of a used room: people add it at a constant rate, the air change takes it away exponentially. */
export const co2 = definePlugin<typeof settings, Room, Sensor>({
  type: 'co2',
  settings,
  create({ full }, room) {
    const perPerson = full / Math.max(1, room.place.people)
    const noise = room.seed('co2 noise')
    const atSlotStart = slotStart(room, perPerson)
    return {
      metrics: ['co2'],
      read(atMs) {
        const slot = Math.floor(atMs / slotMs)
        const target = room.people(slot) * perPerson
        const left = Math.exp(-(atMs - slot * slotMs) / airChangeMs)
        return freshAirPpm + target + (atSlotStart(slot) - target) * left + 6 * white(noise, atMs)
      },
    }
  },
})

/** Ppm above fresh air when a slot begins. Always computed from the same slots before it, so it does not depend on what was asked first. */
function slotStart(room: Room, perPerson: number): (slot: number) => number {
  const left = Math.exp(-slotMs / airChangeMs)
  let known = Number.NaN
  let level = 0
  return (slot) => {
    if (slot === known) return level
    level = 0
    for (let past = slot - memorySlots; past < slot; past++) {
      const target = room.people(past) * perPerson
      level = target + (level - target) * left
    }
    known = slot
    return level
  }
}
