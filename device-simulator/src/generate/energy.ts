import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { createMachine } from '../machine.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({ ...timing })

/** The meter of the same machine: the integral of its power since it was installed, which never falls. */
export const energy = definePlugin<typeof settings, Room, Sensor>({
  type: 'energy',
  settings,
  create(_settings, room) {
    const machine = createMachine(room)
    return { metrics: ['energy'], read: (atMs) => machine.wattHours(atMs) }
  },
})
