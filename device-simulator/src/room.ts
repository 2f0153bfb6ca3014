import { durationMs } from '@millrace/pipeline'
import { z } from 'zod'
import { hashText, unit } from './random.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** People come and go in steps of this, in ms. */
export const slotMs = 30 * 60_000

const shorterThanEvery = { path: ['lasts'], message: 'shorter than `every`' }
const isShorter = ({ every, lasts }: { every: number; lasts: number }) => lasts < every

const doorOpenSchema = z
  .strictObject({
    every: durationMs.default(3 * 60_000),
    lasts: durationMs.default(70_000),
    warms: z.number().min(0).max(40).default(8),
    /** What happens instead from the start of a run on: first `after` it, then again and again. */
    fromStart: z
      .strictObject({
        after: durationMs.default(5_000),
        every: durationMs.default(20 * 60_000),
        lasts: durationMs.default(150_000),
      })
      .refine(isShorter, shorterThanEvery)
      .optional(),
  })
  .refine(isShorter, shorterThanEvery)

/** What the sensors of one device have in common, so that they tell one story. */
export const placeSchema = z.strictObject({
  /** Mean temperature, °C. */
  temperature: z.number().min(-30).max(60).default(21),
  /** Half the daily swing outside the walls, °C. */
  swing: z.number().min(0).max(20).default(4),
  /** How slowly the place follows the outside, as a time constant. */
  inertia: durationMs.default(2 * hourMs),
  /** Water in the air, hPa of vapour pressure. */
  vapour: z.number().min(1).max(40).default(11),
  /** How many people use it on a working day. */
  people: z.number().int().min(0).max(1_000).default(4),
  outdoors: z.boolean().default(false),
  /** The machine: watts while it idles, more watts while it runs, length of its cycle, share of the cycle it runs. */
  idleWatts: z.number().min(0).max(5_000).default(45),
  runWatts: z.number().min(0).max(14_000).default(1_200),
  cycle: durationMs.default(12 * 60_000),
  duty: z.number().min(0.05).max(0.7).default(0.4),
  /** A door that somebody props open again and again: how often, for how long, and how many °C warmer it gets meanwhile. */
  doorOpen: doorOpenSchema.optional(),
})
export type Place = z.output<typeof placeSchema>

/** A device's surroundings: pure functions of the seed, the start of the run and the time. */
export interface Room {
  place: Place
  /** Seed of one kind of chance in this room. */
  seed(purpose: string): number
  /** Seed shared by all rooms of the site, for what they have in common: weather, air pressure. */
  siteSeed(purpose: string): number
  /** Hours since local midnight, 0 to 24. */
  hour(atMs: number): number
  /** People present in a half-hour slot, counted from the epoch. */
  people(slot: number): number
  /** How far the propped door has let the warmth in, 0 to 1; 0 where no door is propped. */
  warmth(atMs: number): number
}

export interface RoomSettings {
  site: string
  device: string
  seed: number
  utcOffsetHours: number
  place: Place
  /** T0 of the run; a room without one has only a past. */
  t0Ms?: number | undefined
}

export function createRoom({ site, device, seed, utcOffsetHours, place, t0Ms }: RoomSettings): Room {
  const siteBase = hashText(site, seed)
  const base = hashText(device, siteBase)
  const hour = (atMs: number) => ((((atMs + utcOffsetHours * hourMs) % dayMs) + dayMs) % dayMs) / hourMs
  const peopleSeed = hashText('people', base)
  return {
    place,
    seed: (purpose) => hashText(purpose, base),
    siteSeed: (purpose) => hashText(purpose, siteBase),
    hour,
    people(slot) {
      const atMs = slot * slotMs
      const use = usedShare(hour(atMs)) * (isWeekend(atMs + utcOffsetHours * hourMs) ? 0.1 : 1)
      return Math.round(place.people * use * (0.5 + 0.7 * unit(peopleSeed, slot)))
    },
    warmth: place.doorOpen ? propped(place.doorOpen, t0Ms) : () => 0,
  }
}

/** Most of the warmth is in after this. */
const warmingMs = 8_000

/**
 * By the clock it is opened a few seconds before `every` is full, so that with windows of a minute the warm ones are warm
 * from end to end.
 */
function propped({ fromStart, ...always }: NonNullable<Place['doorOpen']>, t0Ms = Number.POSITIVE_INFINITY) {
  const leadMs = 1.25 * warmingMs
  return (atMs: number): number => {
    if (!fromStart || atMs < t0Ms) return warmthOf(always, atMs + leadMs)
    const sinceMs = atMs - t0Ms - fromStart.after
    return sinceMs < 0 ? 0 : warmthOf(fromStart, sinceMs)
  }
}

/** Of a door that is opened whenever `every` is full, counted from 0. */
function warmthOf({ every, lasts }: { every: number; lasts: number }, atMs: number): number {
  const sinceMs = ((atMs % every) + every) % every
  const reached = (openMs: number) => 1 - Math.exp(-openMs / (warmingMs / 2))
  if (sinceMs < lasts) return reached(sinceMs)
  return reached(lasts) * Math.exp(-(sinceMs - lasts) / warmingMs)
}

/** A working day with a lunch break. */
function usedShare(hour: number): number {
  if (hour < 7 || hour >= 20) return 0
  if (hour < 9) return (hour - 6.5) / 2.5
  if (hour >= 12 && hour < 13) return 0.45
  return hour >= 17 ? (20 - hour) / 3.5 : 1
}

function isWeekend(localMs: number): boolean {
  const day = new Date(localMs).getUTCDay()
  return day === 0 || day === 6
}
