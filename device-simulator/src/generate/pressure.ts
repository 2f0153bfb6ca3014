import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { smooth, unit, white } from '../random.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({ ...timing })
const hourMs = 3_600_000

/** Air pressure: highs and lows that take days, shared by the site, with the small tide of the atmosphere twice a day. */
export const pressure = definePlugin<typeof settings, Room, Sensor>({
  type: 'pressure',
  settings,
  create(_settings, room) {
    const weather = room.siteSeed('pressure')
    const noise = room.seed('pressure noise')
    const height = unit(room.seed('height'), 0) * 1.5
    return {
      metrics: ['pressure'],
      read(atMs) {
        const tide = 0.8 * Math.cos(((room.hour(atMs) - 10) / 12) * 2 * Math.PI)
        const slow = 14 * smooth(weather, atMs, 72 * hourMs) + 3 * smooth(weather + 1, atMs, 9 * hourMs)
        return 1013.2 - height + slow + tide + 0.06 * white(noise, atMs)
      },
    }
  },
})
