import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { unit } from '../random.ts'
import { slotMs as peopleSlotMs, type Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({ ...timing })
const slotMs = 3 * 60_000
const shortestMs = 4_000
const longestMs = 70_000
/** Where a propped door has let half of the warmth in, it stands open. */
const halfWarm = 0.5

/** A door: 1 while open; opened more often the more people are about, hardly ever at night. */
export const door = definePlugin<typeof settings, Room, Sensor>({
  type: 'door',
  settings,
  create(_settings, room) {
    const seed = room.seed('door')
    return {
      metrics: ['door'],
      read(atMs) {
        if (room.warmth(atMs) > halfWarm) return 1
        const slot = Math.floor(atMs / slotMs)
        const people = room.people(Math.floor(atMs / peopleSlotMs))
        if (unit(seed, slot) >= 0.02 + 0.7 * (people / (people + 3))) return 0
        const opensMs = unit(seed + 1, slot) * (slotMs - longestMs)
        const sinceMs = atMs - slot * slotMs - opensMs
        return sinceMs >= 0 && sinceMs < shortestMs + unit(seed + 2, slot) * (longestMs - shortestMs) ? 1 : 0
      },
    }
  },
})
