import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { createMachine } from '../machine.ts'
import { white } from '../random.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({ ...timing })

/** Power of a machine that runs for a part of each cycle. */
export const power = definePlugin<typeof settings, Room, Sensor>({
  type: 'power',
  settings,
  create(_settings, room) {
    const machine = createMachine(room)
    const noise = room.seed('power noise')
    return { metrics: ['power'], read: (atMs) => machine.watts(atMs) * (1 + 0.004 * white(noise, atMs)) }
  },
})
