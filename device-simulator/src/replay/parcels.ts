import { maxReadingsPerMessage } from '@millrace/contracts'
import type { Recorded } from './recorded.ts'

const maxObjects = 100

/** Messages of one device that travel together; `positions` are their places in the recording. */
export interface Parcel {
  site: string
  device: string
  messages: Recorded[]
  positions: number[]
  readings: number
}

/** Groups messages by device, each device's in the order of the recording. */
export interface Packer {
  /** The parcels that are full with this message. */
  add(message: Recorded): Parcel | undefined
  /** All that is left, in the order in which the devices appeared. */
  rest(): Parcel[]
}

export function createPacker(): Packer {
  const open = new Map<string, Parcel>()
  let position = 0
  return {
    add(message) {
      const { site, device } = message
      const name = `${site}/${device}`
      const parcel = open.get(name)
      const fits = parcel && parcel.readings + message.readings.length <= maxReadingsPerMessage
      const next = fits ? parcel : { site, device, messages: [], positions: [], readings: 0 }
      next.messages.push(message)
      next.positions.push(position++)
      next.readings += message.readings.length
      if (parcel && !fits) {
        open.set(name, next)
        return parcel
      }
      if (next.messages.length < maxObjects) open.set(name, next)
      else open.delete(name)
      return next.messages.length < maxObjects ? undefined : next
    },
    rest: () => [...open.values()],
  }
}
