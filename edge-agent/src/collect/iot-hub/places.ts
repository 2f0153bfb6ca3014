import { z } from 'zod'

const placeSchema = z.object({ sequence: z.int(), atMs: z.number() })

/** The newest event of a partition that the spool has. */
export type Place = z.output<typeof placeSchema>

export function encodePlace(place: Place): Uint8Array {
  return Buffer.from(JSON.stringify(place))
}

/** Undefined where it is none: then events may count twice, and none is lost. */
export function decodePlace(bytes: Uint8Array): Place | undefined {
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch {
    return undefined
  }
}

/** True for an event that the spool has. A number that comes again later is of a hub that was made anew under its name. */
export function isTaken(place: Place | undefined, { sequence, atMs }: Place): boolean {
  return place !== undefined && sequence <= place.sequence && atMs <= place.atMs
}
