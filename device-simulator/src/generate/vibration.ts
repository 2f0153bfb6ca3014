import { definePlugin } from '@millrace/pipeline'
import { z } from 'zod'
import { unit, white } from '../random.ts'
import type { Room } from '../room.ts'
import { type Sensor, timing } from '../sensor.ts'

const settings = z.object({
  ...timing,
  /** Bursts an hour, and the largest of them in mm/s. */
  bursts: z.number().min(0).max(120).default(20),
  peak: z.number().min(0).max(45).default(9),
})
const slotMs = 30_000
const decayMs = 4_000

/** Vibration velocity of a machine: a quiet floor with bursts that ring out. */
export const vibration = definePlugin<typeof settings, Room, Sensor>({
  type: 'vibration',
  settings,
  create({ bursts, peak }, room) {
    const chance = (bursts * slotMs) / 3_600_000
    const noise = room.seed('vibration noise')
    const seed = room.seed('bursts')
    const burst = (slot: number, atMs: number) => {
      const sinceMs = atMs - (slot + unit(seed + 1, slot)) * slotMs
      if (sinceMs < 0 || unit(seed, slot) >= chance) return 0
      return peak * (0.3 + 0.7 * unit(seed + 2, slot)) * Math.exp(-sinceMs / decayMs)
    }
    return {
      metrics: ['vibration'],
      read(atMs) {
        const slot = Math.floor(atMs / slotMs)
        const shake = burst(slot, atMs) + burst(slot - 1, atMs)
        return (0.6 + shake) * (1 + 0.25 * white(noise, atMs))
      },
    }
  },
})
