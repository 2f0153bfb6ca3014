import { refusal } from './conditions.ts'
import type { AmqpError } from './rhea.ts'

/** Readers of one partition in one consumer group that share it without an owner level. */
const maxSharing = 5

export interface Place {
  /** Owner level, called epoch on the wire; null for a reader that shares. */
  epoch: number | null
  /** Called when a reader with the same or a higher epoch came. */
  evict(error: AmqpError): void
}

const stolen = 'amqp:link:stolen'

/**
 * Who reads which partition of which consumer group. A reader with an epoch is alone: it evicts those with none or
 * with one not above its own, and while it reads nobody with a lower one, or with none, gets in.
 */
export class ReaderPlaces {
  readonly #places = new Map<string, Set<Place>>()

  /** The refusal, or undefined when the reader is in. */
  enter(key: string, place: Place): AmqpError | undefined {
    const places = this.#places.get(key) ?? new Set()
    const refused = place.epoch === null ? this.#refuseShared(places) : this.#refuseOwner(places, place.epoch)
    if (refused) return refused
    if (place.epoch !== null) this.#evict(places, place.epoch)
    places.add(place)
    this.#places.set(key, places)
    return undefined
  }

  /** Safe twice. */
  leave(key: string, place: Place): void {
    const places = this.#places.get(key)
    places?.delete(place)
    if (places?.size === 0) this.#places.delete(key)
  }

  #refuseShared(places: Set<Place>): AmqpError | undefined {
    const owner = Array.from(places).find(({ epoch }) => epoch !== null)
    if (owner) {
      const text = `A receiver with epoch '${owner.epoch}' exists, so a receiver without an epoch is not allowed.`
      return refusal(stolen, text)
    }
    if (places.size < maxSharing) return undefined
    const text = `Exceeded the maximum number of ${maxSharing} receivers per partition in a consumer group.`
    return refusal('amqp:resource-limit-exceeded', text)
  }

  #refuseOwner(places: Set<Place>, epoch: number): AmqpError | undefined {
    const above = Array.from(places).find((other) => other.epoch !== null && other.epoch > epoch)
    if (!above) return undefined
    const text = `A receiver with the higher epoch '${above.epoch}' exists; the receiver with epoch '${epoch}' cannot be made.`
    return refusal(stolen, text)
  }

  #evict(places: Set<Place>, epoch: number): void {
    for (const place of places) {
      const text = `New receiver with epoch '${epoch}' was made, hence the receiver with epoch '${place.epoch}' is disconnected.`
      place.evict(refusal(stolen, text))
    }
    places.clear()
  }
}
