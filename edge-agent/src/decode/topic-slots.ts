import type { TopicEntry } from './topic-cache.ts'

const firstSlots = 1024
/** Slots for each topic: few topics then share one. */
const slotsPerTopic = 4
/** Characters that choose the slot; the last ones differ most between topics. */
const tailLength = 16

/**
 * Topics in front of their map, which costs less because it does not make the hash that a map wants of every new string.
 * A topic stands in its slot or beside it, so nothing grows here when topics are chosen to collide: they are left to the map.
 */
export class TopicSlots {
  #slots = emptySlots(firstSlots)

  find(topic: string): TopicEntry | undefined {
    const slot = slotOf(topic, this.#slots.length)
    const entry = this.#slots[slot]
    if (entry !== undefined && entry.topic === topic) return entry
    const beside = this.#slots[slot ^ 1]
    return beside !== undefined && beside.topic === topic ? beside : undefined
  }

  /** `known` is how many topics there are in all. */
  put(entry: TopicEntry, known: number): void {
    if (known * slotsPerTopic > this.#slots.length) this.#grow()
    place(entry, this.#slots)
  }

  clear(): void {
    this.#slots = emptySlots(firstSlots)
  }

  #grow(): void {
    const slots = emptySlots(this.#slots.length * 2)
    for (const entry of this.#slots) if (entry !== undefined) place(entry, slots)
    this.#slots = slots
  }
}

/** Without holes, which would make every look-up slow. */
function emptySlots(count: number): (TopicEntry | undefined)[] {
  return new Array<TopicEntry | undefined>(count).fill(undefined)
}

function place(entry: TopicEntry, slots: (TopicEntry | undefined)[]): void {
  const slot = slotOf(entry.topic, slots.length)
  slots[slots[slot] === undefined ? slot : slot ^ 1] = entry
}

/** `count` is a power of two. */
function slotOf(topic: string, count: number): number {
  let hash = 0
  for (let at = Math.max(0, topic.length - tailLength); at < topic.length; at++) {
    hash = (Math.imul(hash, 31) + topic.charCodeAt(at)) | 0
  }
  return (hash ^ (hash >>> 15)) & (count - 1)
}
