import type { TopicEntry } from './topic-cache.ts'

const firstSlots = 1024
/** Slots for each topic: few topics then share one. */
const slotsPerTopic = 4
/** Characters that choose the slot; the last ones differ most between topics. */
const tailLength = 16

/**
 * Topics in front of their map, which costs less because it does not make the hash that a map wants of every new string.
 * A slot holds one topic, so nothing grows here when topics are chosen to collide: they are left to the map.
 */
export class TopicSlots {
  #slots = emptySlots(firstSlots)

  find(topic: string): TopicEntry | undefined {
    const entry = this.#slots[slotOf(topic, this.#slots.length)]
    return entry !== undefined && entry.topic === topic ? entry : undefined
  }

  /** `known` is how many topics there are in all. */
  put(entry: TopicEntry, known: number): void {
    if (known * slotsPerTopic > this.#slots.length) this.#grow()
    this.#slots[slotOf(entry.topic, this.#slots.length)] = entry
  }

  clear(): void {
    this.#slots = emptySlots(firstSlots)
  }

  #grow(): void {
    const slots = emptySlots(this.#slots.length * 2)
    for (const entry of this.#slots) if (entry !== undefined) slots[slotOf(entry.topic, slots.length)] = entry
    this.#slots = slots
  }
}

/** Without holes, which would make every look-up slow. */
function emptySlots(count: number): (TopicEntry | undefined)[] {
  return new Array<TopicEntry | undefined>(count).fill(undefined)
}

/** `count` is a power of two. */
function slotOf(topic: string, count: number): number {
  let hash = 0
  for (let at = Math.max(0, topic.length - tailLength); at < topic.length; at++) {
    hash = (Math.imul(hash, 31) + topic.charCodeAt(at)) | 0
  }
  return (hash ^ (hash >>> 15)) & (count - 1)
}
