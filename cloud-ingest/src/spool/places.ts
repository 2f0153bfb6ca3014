import { type Spool, type Statement, values } from '@millrace/spool'
import { RangeSet } from '@millrace/windows'
import type { LogPlace } from '../received.ts'

const prefix = 'place/'

interface Taken {
  ranges: RangeSet
  /** Of the newest place taken. */
  atMs: number
}

function encode({ ranges, atMs }: Taken): Uint8Array {
  const bytes = ranges.encode()
  const out = new Uint8Array(8 + bytes.byteLength)
  new DataView(out.buffer).setFloat64(0, atMs)
  out.set(bytes, 8)
  return out
}

function decode(bytes: Uint8Array): Taken {
  const atMs = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
  return { ranges: RangeSet.decode(bytes.subarray(8)), atMs }
}

/**
 * Which places of each log the spool has. They are written in the transaction of their messages, so that a log may be
 * read again from any place, and whatever is not known by a number of its own still counts once.
 */
export class Places {
  private readonly taken: Map<string, Taken>

  private constructor(taken: Map<string, Taken>) {
    this.taken = taken
  }

  static async load(spool: Spool): Promise<Places> {
    const saved = await values.all(spool, prefix)
    return new Places(new Map([...saved].map(([key, bytes]) => [key.slice(prefix.length), decode(bytes)])))
  }

  stage(): StagedPlaces {
    return new StagedPlaces(this.taken)
  }
}

/** Places of one transaction. */
export class StagedPlaces {
  private readonly taken: Map<string, Taken>
  private readonly staged = new Map<string, Taken>()

  constructor(taken: Map<string, Taken>) {
    this.taken = taken
  }

  /** False where the spool has it already. */
  take({ log, first, sequence, atMs }: LogPlace): boolean {
    const known = this.of(log)
    const newest = known.ranges.last
    const isOfNewLog = newest !== undefined && sequence <= newest && atMs > known.atMs
    if (isOfNewLog) known.ranges = new RangeSet()
    if (known.ranges.has(sequence)) return false
    known.ranges.addRange(Math.min(first, sequence), sequence)
    known.atMs = Math.max(known.atMs, atMs)
    return true
  }

  statements(): Statement[] {
    return [...this.staged].flatMap(([log, taken]) => values.put(prefix + log, encode(taken)))
  }

  committed(): void {
    for (const [log, taken] of this.staged) this.taken.set(log, taken)
  }

  private of(log: string): Taken {
    const staged = this.staged.get(log)
    if (staged) return staged
    const known = this.taken.get(log)
    const copy = known ? decode(encode(known)) : { ranges: new RangeSet(), atMs: 0 }
    this.staged.set(log, copy)
    return copy
  }
}
