import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { smooth, white } from '../random.ts'
import { type Room, slotMs } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const dayMs = 86_400_000
const warmestHour = 15

/**
 * Temperature of a room, °C: a first-order lag behind the outside's daily cycle (smaller and later the greater the
 * inertia), weather, the warmth of the people in it, and what a propped door lets in.
 */
export function temperatureOf(room: Room): (atMs: number) => number {
  const { temperature, swing, inertia, people, doorOpen } = room.place
  const warms = doorOpen?.warms ?? 0
  const lag = (2 * Math.PI * inertia) / dayMs
  const amplitude = swing / Math.hypot(1, lag)
  const delay = Math.atan(lag)
  const weather = room.siteSeed('weather')
  const draught = room.seed('draught')
  const warmth = people === 0 ? 0 : 0.8 / people
  return (atMs) => {
    const angle = ((room.hour(atMs) - warmestHour) / 24) * 2 * Math.PI
    const slot = atMs / slotMs
    const before = room.people(Math.floor(slot) - 1)
    const present = before + (room.people(Math.floor(slot)) - before) * (slot - Math.floor(slot))
    const noise = 1.2 * smooth(weather, atMs, dayMs / 2) + 0.25 * smooth(draught, atMs, inertia / 4 + 60_000)
    const opened = warms === 0 ? 0 : warms * room.warmth(atMs)
    return temperature + amplitude * Math.cos(angle - delay) + warmth * present + noise + opened
  }
}

const settings = z.object({ ...timing })

export const temperature = definePlugin<typeof settings, Room, Sensor>({
  type: 'temperature',
  settings,
  create(_settings, room) {
    const at = temperatureOf(room)
    const seed = room.seed('temperature noise')
    return { metrics: ['temperature'], read: (atMs) => at(atMs) + 0.02 * white(seed, atMs) }
  },
})
