import type { PackedRows, SetRows } from './keeper-types.ts'
import { decodeMessages } from './message-sets.ts'
import { unpack } from './packed-rows.ts'
import { RangeSet } from './range-set.ts'
import { decodeSet } from './set-codec.ts'

/** Readings, or messages, of one run of a device. */
export interface BootRanges {
  /** 0 is none. */
  boot: number
  count: number
  /** Without a usable number. */
  unnumbered: number
  /** Numbers, inclusive and rising. */
  ranges: [number, number][]
}

/** What is in a set of readings, without their values. */
export interface SetFacts {
  count: number
  /** Event times, epoch ms; null where empty. */
  firstTs: number | null
  lastTs: number | null
  boots: BootRanges[]
}

/** Throws RangeError on bytes that are no set. */
export function describeSet(bytes: Uint8Array): SetFacts {
  return factsOf(decodeSet(bytes))
}

/** Of an open window: in order of arrival, repeats included. */
export function describeRows(rows: PackedRows): SetFacts {
  return factsOf(unpack(rows))
}

/** Messages of a window, by boot. Throws RangeError on bytes that are none. */
export function describeMessages(bytes: Uint8Array): BootRanges[] {
  return decodeMessages(bytes).map(({ boot, seqs, unnumbered, numbers }) => {
    for (const number of numbers) addNumber(seqs, number)
    return { boot, count: seqs.count + unnumbered, unnumbered, ranges: seqs.ranges() }
  })
}

function factsOf({ length, ts, seq, boot }: SetRows): SetFacts {
  const boots = new Map<number, { count: number; unnumbered: number; seqs: RangeSet }>()
  let [firstTs, lastTs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < length; i += 1) {
    const share = boots.get(boot[i]!) ?? { count: 0, unnumbered: 0, seqs: new RangeSet() }
    boots.set(boot[i]!, share)
    share.count += 1
    if (!addNumber(share.seqs, seq[i]!)) share.unnumbered += 1
    firstTs = Math.min(firstTs, ts[i]!)
    lastTs = Math.max(lastTs, ts[i]!)
  }
  return {
    count: length,
    firstTs: length > 0 ? firstTs : null,
    lastTs: length > 0 ? lastTs : null,
    boots: [...boots].map(([id, { seqs, ...share }]) => ({ boot: id, ...share, ranges: seqs.ranges() })),
  }
}

/** False where it is no whole number from 0. */
function addNumber(seqs: RangeSet, number: number): boolean {
  if (!Number.isSafeInteger(number) || number < 0) return false
  seqs.add(number)
  return true
}
