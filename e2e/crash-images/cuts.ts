import type { Subject } from './subject.ts'

export interface Cut {
  at: number
  /** An acknowledgement left since the newest flush: it rests on that flush alone. */
  afterAcknowledgement: boolean
  /** Steps since the newest flush of each file, at most. */
  span: { from: number; to: number }
}

type Chance = () => number

/** Of a new life: some of them tell again what an earlier one promised. */
const earlyAcknowledgements = 6

function pick<T>(chance: Chance, list: readonly T[]): T {
  return list[Math.floor(chance() * list.length)]!
}

/**
 * Where to cut: half just after an acknowledgement or among the writes that follow it up to the next flush, the rest
 * anywhere, with more where names change and where a program killed before began again: what it finds in its files may
 * never have been flushed.
 */
export function chooseCuts({ recording, acknowledgements }: Subject, count: number, chance: Chance): Cut[] {
  const { steps, deaths } = recording
  const places = steps.map(({ at }) => at)
  const flushes = steps.filter(({ kind }) => kind === 'flush').map(({ at }) => at)
  const naming = steps.filter(({ kind }) => kind !== 'write' && kind !== 'flush').map(({ at }) => at)
  const lastBefore = (list: readonly number[], at: number) => list[firstFrom(list, at) - 1] ?? 0
  const one = (): number => {
    const roll = chance()
    if (roll < 0.08) return pick(chance, naming) + 1
    if (roll < 0.42) return pick(chance, places) + 1
    const first = firstFrom(acknowledgements, pick(chance, deaths))
    const early = acknowledgements.slice(first, first + earlyAcknowledgements)
    const acknowledged = pick(chance, roll < 0.52 && early.length > 0 ? early : acknowledgements) + 1
    const next = flushes[firstFrom(flushes, acknowledged)] ?? acknowledged
    const between = places.slice(firstFrom(places, acknowledged), firstFrom(places, next))
    return between.length === 0 || chance() < 0.4 ? acknowledged : pick(chance, between) + 1
  }
  const cuts = Array.from({ length: count }, one).sort((a, b) => a - b)
  return cuts.map((at) => {
    const flushed = lastBefore(flushes, at)
    const afterAcknowledgement = lastBefore(acknowledgements, at) > flushed
    return { at, afterAcknowledgement, span: { from: flushed, to: at } }
  })
}

/** Index of the first that is not below `at`, in a sorted list. */
function firstFrom(list: readonly number[], at: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]! < at) low = middle + 1
    else high = middle
  }
  return low
}
