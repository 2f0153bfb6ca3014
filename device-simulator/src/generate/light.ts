import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { smooth, white } from '../random.ts'
import { type Room, slotMs } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({
  ...timing,
  /** Light of the lamps while somebody is in, lx. */
  lamps: z.number().min(0).max(5_000).default(380),
})

/** Light: the sun behind clouds, a hundredth of it through a window; inside also the lamps. */
export const light = definePlugin<typeof settings, Room, Sensor>({
  type: 'light',
  settings,
  create({ lamps }, room) {
    const clouds = room.siteSeed('clouds')
    const noise = room.seed('light noise')
    return {
      metrics: ['light'],
      read(atMs) {
        const elevation = Math.sin(((room.hour(atMs) - 6) / 12) * Math.PI)
        const clear = 0.55 + 0.3 * smooth(clouds, atMs, 2 * 3_600_000) + 0.15 * smooth(clouds + 1, atMs, 240_000)
        const sun = elevation <= 0 ? 0 : 62_000 * elevation * clear
        const lit = !room.place.outdoors && room.people(Math.floor(atMs / slotMs)) > 0 ? lamps : 0
        return (sun * (room.place.outdoors ? 1 : 0.01) + lit) * (1 + 0.01 * white(noise, atMs))
      },
    }
  },
})
