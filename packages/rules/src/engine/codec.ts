import { Reader, Writer } from './bytes.ts'
import type { Line, Run } from './line.ts'
import type { HeardSpan } from './presence.ts'
import { bucketMs, type Sample } from './samples.ts'

const units = [60_000, 1_000, 1]

/** The largest unit of time that all values are whole multiples of, ms. */
function unitOf(times: readonly number[]): number {
  return units.find((unit) => times.every((time) => time % unit === 0)) ?? 1
}

const writer = new Writer()

/** Lines of a block. The common one, a single run that ends when the others do, takes four bytes. */
export function encodeLines(lines: readonly Line[], epoch: number): Uint8Array {
  const unit = unitOf(lines.flatMap(timesOf))
  const head = { unit, epoch, newest: Math.max(...lines.map((line) => line.newest)) }
  writer.count(unit)
  writer.count(head.newest / unit)
  writer.count(epoch)
  let [id, length] = [0, 0]
  for (const line of lines) {
    writer.count(line.id - id)
    length = encodeLine(line, head, length)
    id = line.id
  }
  return writer.take()
}

function timesOf({ runs, revs }: Line): number[] {
  return [...runs.flatMap(({ from, to }) => [from, to]), ...(revs?.keys() ?? [])]
}

/** Answers with the length of its first run, in units: the next line's is likely to be the same. */
function encodeLine(
  { runs, revs }: Line,
  { unit, epoch, newest }: { unit: number; epoch: number; newest: number },
  lengthBefore: number,
): number {
  const sameEpoch = runs.every((run) => run.epoch === epoch)
  writer.count(runs.length * 4 + (revs ? 2 : 0) + (sameEpoch ? 0 : 1))
  let [end, length] = [newest, lengthBefore]
  for (const run of runs.toReversed()) {
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

/** Samples of a block in one bucket, by id in order; empty where there are none. */
export function encodeSamples(samples: ReadonlyMap<number, readonly Sample[]>, bucket: number): Uint8Array | null {
  if (samples.size === 0) return null
  const unit = unitOf([...samples.values()].flatMap((each) => each.flatMap(({ start, lengthMs }) => [start, lengthMs])))
  writer.count(unit)
  let before = 0
  for (const [id, list] of samples) {
    writer.count(id - before)
    writer.count(list.length)
    for (const { start, lengthMs, level, value } of list) {
      writer.count((start - bucket * bucketMs) / unit)
      writer.count(lengthMs / unit)
      writer.count(level)
      writer.float(value)
    }
    before = id
  }
  return writer.take()
}

export function decodeSamples(bytes: Uint8Array, bucket: number, take: (id: number, sample: Sample) => void): void {
  const reader = new Reader(bytes)
  const unit = reader.count()
  let id = 0
  while (!reader.done) {
    id += reader.count()
    for (let left = reader.count(); left > 0; left--) {
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

/** When devices of a block were heard. What came before the first span says nothing, so its start is not kept. */
export function encodePresences(presences: readonly SavedPresence[]): Uint8Array {
  const newest = Math.max(0, ...presences.map(({ spans }) => spans.at(-1)?.to ?? 0))
  writer.count(newest)
  let before = 0
  for (const { id, agent, spans } of presences) {
    writer.count(id - before)
    writer.count(agent)
    writer.count(spans.length)
    let end = newest
    for (const span of spans.toReversed()) {
      writer.whole(end - span.to)
      writer.count(span.to - span.from)
      writer.count(span.from - span.seen)
      writer.whole(span.by - agent)
      end = span.from
    }
    before = id
  }
  return writer.take()
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
