import type { Content } from './content.ts'
import type { Step } from './steps.ts'

type FileStep = Extract<Step, { kind: 'write' | 'truncate' }>

const sectorBytes = 512

/** What a disk happens to have done by the time the power fails. */
export interface Whim {
  name: string
  keepsName(at: number): boolean
  /** Of an unflushed write or truncation. */
  fate(at: number): 'kept' | 'dropped' | 'torn'
  /** Of a sector of a torn one; `part` is its place in it, from 0 to 1. */
  keepsSector(at: number, part: number): boolean
}

type Chance = () => number

const never = () => false
const always = () => true

/** Nothing since the last flush reached the disk. */
export const nothing = (): Whim => ({ name: 'nothing', keepsName: never, fate: () => 'dropped', keepsSector: never })

/** Everything did, as after kill -9. */
export const everything = (): Whim => ({
  name: 'everything',
  keepsName: always,
  fate: () => 'kept',
  keepsSector: always,
})

/** Any subset, torn anyhow. */
function subset(chance: Chance): Whim {
  const [kept, torn] = [chance(), chance() * 0.5]
  const share = chance()
  return {
    name: 'subset',
    keepsName: () => chance() < kept,
    fate: () => (chance() < torn ? 'torn' : chance() < kept ? 'kept' : 'dropped'),
    keepsSector: () => chance() < share,
  }
}

/** All but one or two writes: a hole in the middle. */
function holes(chance: Chance): Whim {
  const every = 1 + Math.floor(chance() * 8)
  return {
    name: 'holes',
    keepsName: always,
    fate: () => (chance() * every < 1 ? (chance() < 0.5 ? 'torn' : 'dropped') : 'kept'),
    keepsSector: () => chance() < 0.5,
  }
}

/** In order up to some moment, the write of that moment in part; names may be ahead or behind. */
function prefix(chance: Chance, span: { from: number; to: number }): Whim {
  const until = (from: number, to: number) => from + chance() * (to - from + 1)
  const [data, names, part] = [until(span.from, span.to), until(span.from, span.to), chance()]
  const forwards = chance() < 0.5
  return {
    name: 'prefix',
    keepsName: (at) => at < names,
    fate: (at) => (at < data - 1 ? 'kept' : at < data ? 'torn' : 'dropped'),
    keepsSector: (_at, at) => (forwards ? at < part : at >= part),
  }
}

/** The newest went to the disk first: what a cache that sorts by place may do. */
function suffix(chance: Chance, span: { from: number; to: number }): Whim {
  const from = span.from + chance() * (span.to - span.from + 1)
  return {
    name: 'suffix',
    keepsName: (at) => at >= from,
    fate: (at) => (at >= from ? 'kept' : at >= from - 2 ? 'torn' : 'dropped'),
    keepsSector: () => chance() < 0.5,
  }
}

/** Any whim, for a cut with unflushed steps in `span`. */
export function whimOf(chance: Chance, span: { from: number; to: number }): Whim {
  const roll = chance()
  if (roll < 0.2) return nothing()
  if (roll < 0.25) return everything()
  if (roll < 0.6) return subset(chance)
  if (roll < 0.7) return holes(chance)
  return roll < 0.85 ? prefix(chance, span) : suffix(chance, span)
}

interface Tearing {
  whim: Whim
  tally: { dropped: number; torn: number }
}

/**
 * Puts unflushed writes into a file as the whim has it. A sector goes to the disk as it is at that moment: one that a
 * later write brings there has every earlier write to it as well.
 */
export function tear(content: Content, steps: readonly FileStep[], { whim, tally }: Tearing): void {
  const waiting = new Map<number, { offset: number; bytes: Buffer }[]>()
  for (const step of steps) {
    const fate = whim.fate(step.at)
    if (step.kind === 'truncate') {
      if (fate !== 'kept') tally.dropped++
      else content.resize(step.length)
      continue
    }
    const sectors = sectorsOf(step)
    const kept = sectors.map(({ sector }, index) => {
      if (fate !== 'torn') return fate === 'kept'
      return whim.keepsSector(step.at, sectors.length < 2 ? 0.5 : index / (sectors.length - 1)) && sector >= 0
    })
    if (kept.every((is) => !is)) tally.dropped++
    else if (!kept.every((is) => is)) tally.torn++
    for (const [index, piece] of sectors.entries()) {
      const earlier = waiting.get(piece.sector) ?? []
      if (kept[index]) {
        for (const one of [...earlier, piece]) content.write(one.offset, one.bytes)
        waiting.delete(piece.sector)
      } else waiting.set(piece.sector, [...earlier, piece])
    }
  }
}

function sectorsOf({ offset, bytes }: Extract<FileStep, { kind: 'write' }>) {
  const pieces: { sector: number; offset: number; bytes: Buffer }[] = []
  for (let at = 0; at < bytes.byteLength; ) {
    const sector = Math.floor((offset + at) / sectorBytes)
    const end = Math.min(bytes.byteLength, (sector + 1) * sectorBytes - offset)
    pieces.push({ sector, offset: offset + at, bytes: bytes.subarray(at, end) })
    at = end
  }
  return pieces
}
