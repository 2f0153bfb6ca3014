import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { smooth, white } from '../random.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'
import { temperatureOf } from './temperature.ts'

const settings = z.object({ ...timing })

/** Relative humidity: the vapour in the air changes slowly, so it falls when the room warms up (Magnus formula). */
export const humidity = definePlugin<typeof settings, Room, Sensor>({
  type: 'humidity',
  settings,
  create(_settings, room) {
    const temperature = temperatureOf(room)
    const air = room.siteSeed('vapour')
    const noise = room.seed('humidity noise')
    return {
      metrics: ['humidity'],
      read(atMs) {
        const celsius = temperature(atMs)
        const saturated = 6.112 * Math.exp((17.62 * celsius) / (243.12 + celsius))
        const vapour = room.place.vapour * (1 + 0.18 * smooth(air, atMs, 9 * 3_600_000))
        return (100 * vapour) / saturated + 0.15 * white(noise, atMs)
      },
    }
  },
})
