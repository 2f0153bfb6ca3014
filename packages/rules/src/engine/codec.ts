import { Reader, Writer } from './bytes.ts'
import type { Line, Run } from './line.ts'
import type { HeardSpan } from './presence.ts'
import { bucketMs, type Sample, type SampleHolder } from './samples.ts'
import type { Watched } from './watched.ts'

/** Units of time, ms: the largest one that fits is used. */
const units = [60_000, 1_000, 1]
const lastUnit = units.length - 1

/** Place of the first unit, from `unit` on, that a time is a whole multiple of. */
function finer(unit: number, time: number): number {
  let at = unit
  while (at < lastUnit && !Number.isInteger(time / units[at]!)) at++
  return at
}

const writer = new Writer()

interface LineHead {
  unit: number
  epoch: number
  newest: number
}

/** Lines of a block. The common one, a single run that ends when the others do, takes four bytes. */
export function encodeLines(block: readonly (Line | undefined)[], epoch: number): Uint8Array | null {
  let [unit, newest, any] = [0, 0, false]
  for (const line of block) {
    if (line === undefined || Number.isNaN(line.newest)) continue
    any = true
    newest = Math.max(newest, line.newest)
    unit = finerForLine(unit, line)
  }
  if (!any) return null
  const head = { unit: units[unit]!, epoch, newest }
  writer.count(head.unit)
  writer.count(newest / head.unit)
  writer.count(epoch)
  let [id, length] = [0, 0]
  for (const line of block) {
    if (line === undefined || Number.isNaN(line.newest)) continue
    writer.count(line.id - id)
    length = encodeLine(line, head, length)
    id = line.id
  }
  return writer.take()
}

function finerForLine(unit: number, { runs, revs }: Line): number {
  let at = unit
  if (at === lastUnit) return at
  for (const { from, to } of runs) at = finer(finer(at, from), to)
  if (revs) for (const start of revs.keys()) at = finer(at, start)
  return at
}

/** Answers with the length of its first run, in units: the next line's is likely to be the same. */
function encodeLine({ runs, revs }: Line, { unit, epoch, newest }: LineHead, lengthBefore: number): number {
  const [only] = runs
  const sameEpoch = runs.length === 1 ? only!.epoch === epoch : runs.every((run) => run.epoch === epoch)
  writer.count(runs.length * 4 + (revs ? 2 : 0) + (sameEpoch ? 0 : 1))
  let [end, length] = [newest, lengthBefore]
  for (let at = runs.length - 1; at >= 0; at--) {
    const run = runs[at]!
    writer.whole((end - run.to) / unit)
    writer.whole((run.to - run.from) / unit - length)
    if (!sameEpoch) writer.count(run.epoch)
    length = (run.to - run.from) / unit
    end = run.from
  }
  if (revs) encodeRevs(revs, newest, unit)
  return length
}

function encodeRevs(revs: ReadonlyMap<number, number>, newest: number, unit: number): void {
  writer.count(revs.size)
  for (const [start, rev] of revs) {
    writer.whole((newest - start) / unit)
    writer.count(rev)
  }
}

export interface SavedLine {
  id: number
  runs: Run[]
  revs: Map<number, number> | undefined
}

export function decodeLines(bytes: Uint8Array): SavedLine[] {
  const reader = new Reader(bytes)
  const unit = reader.count()
  const newest = reader.count() * unit
  const epoch = reader.count()
  const lines: SavedLine[] = []
  let [id, length] = [0, 0]
  while (!reader.done) {
    id += reader.count()
    const token = reader.count()
    const runs: Run[] = []
    let end = newest
    for (let left = Math.floor(token / 4); left > 0; left--) {
      const to = end - reader.whole() * unit
      length += reader.whole()
      end = to - length * unit
      runs.unshift({ from: end, to, epoch: token % 2 === 1 ? reader.count() : epoch })
    }
    lines.push({ id, runs, revs: token % 4 >= 2 ? decodeRevs(reader, newest, unit) : undefined })
  }
  return lines
}

function decodeRevs(reader: Reader, newest: number, unit: number): Map<number, number> {
  const revs = new Map<number, number>()
  for (let left = reader.count(); left > 0; left--) {
    const start = newest - reader.whole() * unit
    revs.set(start, reader.count())
  }
  return revs
}

/** Numbers of the samples of one holder in one bucket, four each. */
let held = new Float64Array(64)
let heldLength = 0

function hold({ start, lengthMs, level, value }: Sample): void {
  if (heldLength === held.length) {
    const grown = new Float64Array(held.length * 2)
    grown.set(held)
    held = grown
  }
  held[heldLength++] = start
  held[heldLength++] = lengthMs
  held[heldLength++] = level
  held[heldLength++] = value
}

/** Samples of a block in one bucket; null where there are none. */
export function encodeSamples(
  holders: readonly (SampleHolder | undefined)[],
  firstId: number,
  bucket: number,
): Uint8Array | null {
  const from = bucket * bucketMs
  let before = -1
  for (let at = 0; at < holders.length; at++) {
    const holder = holders[at]
    if (!holder) continue
    heldLength = 0
    holder.eachSample(from, from + bucketMs, hold)
    if (heldLength === 0) continue
    writer.count(before < 0 ? firstId + at : at - before)
    encodeHeld(from)
    before = at
  }
  return before < 0 ? null : writer.take()
}

function encodeHeld(from: number): void {
  let unit = 0
  for (let at = 0; at < heldLength; at += 4) unit = finer(finer(unit, held[at]! - from), held[at + 1]!)
  writer.count((heldLength / 4) * units.length + unit)
  for (let at = 0; at < heldLength; at += 4) {
    writer.count((held[at]! - from) / units[unit]!)
    writer.count(held[at + 1]! / units[unit]!)
    writer.count(held[at + 2]!)
    writer.float(held[at + 3]!)
  }
}

export function decodeSamples(bytes: Uint8Array, bucket: number, take: (id: number, sample: Sample) => void): void {
  const reader = new Reader(bytes)
  let id = 0
  while (!reader.done) {
    id += reader.count()
    const token = reader.count()
    const unit = units[token % units.length]!
    for (let left = Math.floor(token / units.length); left > 0; left--) {
      const start = bucket * bucketMs + reader.count() * unit
      const lengthMs = reader.count() * unit
      const level = reader.count()
      take(id, { start, lengthMs, level, value: reader.float() })
    }
  }
}

/** `by` is the id of an agent. */
export type SavedSpan = Omit<HeardSpan, 'by'> & { by: number }

export interface SavedPresence {
  id: number
  /** Id of the agent that heard it last. */
  agent: number
  spans: SavedSpan[]
}

/**
 * When devices of a block were heard, each with its place in it. `idOf` names an agent by a number.
 */
export function encodePresences(block: readonly (Watched | undefined)[], idOf: (agent: string) => number): Uint8Array {
  const newest = block.reduce((most, watched) => Math.max(most, watched?.presence.newest ?? 0), 0)
  writer.count(newest)
  let before = 0
  for (const watched of block) {
    if (!watched) continue
    const { id } = watched.host.line
    writer.count(id - before)
    encodeHeard(watched, newest, idOf)
    before = id
  }
  return writer.take()
}

function encodeHeard({ host, presence: { spans } }: Watched, newest: number, idOf: (agent: string) => number): void {
  const agent = idOf(host.names.agent ?? '')
  writer.count(agent)
  writer.count(spans.length)
  let end = newest
  for (let at = spans.length - 1; at >= 0; at--) {
    const span = spans[at]!
    writer.whole(end - span.to)
    writer.count(span.to - span.from)
    writer.count(span.from - span.seen)
    writer.whole(idOf(span.by) - agent)
    end = span.from
  }
}

export function decodePresences(bytes: Uint8Array): SavedPresence[] {
  const reader = new Reader(bytes)
  const newest = reader.count()
  const presences: SavedPresence[] = []
  let id = 0
  while (!reader.done) {
    id += reader.count()
    const agent = reader.count()
    const spans: SavedSpan[] = []
    let end = newest
    for (let left = reader.count(); left > 0; left--) {
      const to = end - reader.whole()
      const from = to - reader.count()
      const seen = from - reader.count()
      spans.unshift({ from, to, seen, by: agent + reader.whole() })
      end = from
    }
    presences.push({ id, agent, spans })
  }
  return presences
}
