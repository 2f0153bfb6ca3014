import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { installedMs } from '../machine.ts'
import { smooth } from '../random.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({
  ...timing,
  /** Days a full battery lasts; it is replaced when empty. */
  days: z.number().min(1).max(4_000).default(420),
})
const dayMs = 86_400_000

/** Battery charge: drains evenly, reads a little lower in the cold of the night. */
export const battery = definePlugin<typeof settings, Room, Sensor>({
  type: 'battery',
  settings,
  create({ days }, room) {
    const startMs = installedMs(room, 'battery')
    const chill = room.seed('chill')
    return {
      metrics: ['battery'],
      read(atMs) {
        const used = Math.max(0, atMs - startMs) / (days * dayMs)
        const cold = 0.25 * (1 + Math.cos(((room.hour(atMs) - 4) / 24) * 2 * Math.PI))
        return 100 * (1 - (used - Math.floor(used))) - cold - 0.1 * smooth(chill, atMs, dayMs)
      },
    }
  },
})
