/**
 * DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
 * VLDB 2019, section 2): bin i holds the values in (gamma^(i-1), gamma^i] with gamma = (1 + a) / (1 - a), and its
 * answer 2 gamma^i / (gamma + 1) is within the share a of each of them. Negative values have bins of their own by size.
 *
 * Text: base64 of a byte for the format and, for each of negative and positive bins, their number and, rising, the
 * index (the first zigzag, then distances) and count of each, as varints; between the two the count of zeros.
 * Equal multisets give equal text. No bin is ever collapsed: all doubles together have under 140,000.
 */
import { base64, fromBase64 } from './base64.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import { unzigzag, zigzag } from './columns.ts'
import { nearestRank } from './nearest-rank.ts'

const relativeError = 0.01
const gamma = (1 + relativeError) / (1 - relativeError)
const logGamma = Math.log(gamma)
const logMiddle = Math.log(2 / (gamma + 1))
/** Values closer to zero count as zero: near the smallest double no answer could be within 1 %. */
const smallest = 1e-300
const format = 1

/** Counts by index, rising. */
interface Bins {
  indices: number[]
  counts: number[]
}
interface Sketch {
  negative: Bins
  zeros: number
  positive: Bins
}

/** `sortedValues` rise; they are finite. */
export function sketchOf(sortedValues: Float64Array): string {
  const sketch: Sketch = { negative: noBins(), zeros: 0, positive: noBins() }
  const end = sortedValues.length
  let i = 0
  while (i < end && sortedValues[i]! <= -smallest) i += 1
  let positive = i
  while (positive < end && sortedValues[positive]! < smallest) positive += 1
  sketch.zeros = positive - i
  for (let at = i - 1; at >= 0; at -= 1) push(sketch.negative, -sortedValues[at]!)
  for (let at = positive; at < end; at += 1) push(sketch.positive, sortedValues[at]!)
  return encode(sketch)
}

/** The sketch of all values of all of them; throws on text that is no sketch. */
export function mergeSketches(texts: readonly string[]): string {
  const sketches = texts.map(decode)
  return encode({
    negative: mergeBins(sketches.map((sketch) => sketch.negative)),
    zeros: sketches.reduce((sum, sketch) => sum + sketch.zeros, 0),
    positive: mergeBins(sketches.map((sketch) => sketch.positive)),
  })
}

/** Within 1 % of the value at nearest rank; NaN of an empty sketch. Throws on text that is no sketch. */
export function sketchQuantile(text: string, q: number): number {
  const { negative, zeros, positive } = decode(text)
  const below = total(negative)
  const count = below + zeros + total(positive)
  if (count === 0) return Number.NaN
  const rank = Math.min(nearestRank(q, count), count - 1)
  // The largest size is the lowest value, so negative bins are counted from their end.
  if (rank < below) return -valueAt(negative, below - 1 - rank)
  return rank < below + zeros ? 0 : valueAt(positive, rank - below - zeros)
}

function noBins(): Bins {
  return { indices: [], counts: [] }
}

/** Sizes come rising. */
function push(bins: Bins, size: number): void {
  const last = bins.indices.length - 1
  const index = Math.ceil(Math.log(size) / logGamma)
  if (last >= 0 && bins.indices[last] === index) bins.counts[last]! += 1
  else {
    bins.indices.push(index)
    bins.counts.push(1)
  }
}

function mergeBins(all: readonly Bins[]): Bins {
  const counts = new Map<number, number>()
  for (const bins of all) {
    bins.indices.forEach((index, i) => {
      counts.set(index, (counts.get(index) ?? 0) + bins.counts[i]!)
    })
  }
  const indices = [...counts.keys()].sort((a, b) => a - b)
  return { indices, counts: indices.map((index) => counts.get(index)!) }
}

function total(bins: Bins): number {
  return bins.counts.reduce((sum, count) => sum + count, 0)
}

function valueAt(bins: Bins, rank: number): number {
  let seen = 0
  const i = bins.counts.findIndex((count) => {
    seen += count
    return seen > rank
  })
  return Math.exp(bins.indices[i]! * logGamma + logMiddle)
}

const writer = new ByteWriter(1024)

function encode(sketch: Sketch): string {
  writer.reserve(16)
  writer.byte(format)
  writeBins(sketch.negative)
  writer.reserve(16)
  writer.varint(sketch.zeros)
  writeBins(sketch.positive)
  return base64(writer.take())
}

function writeBins({ indices, counts }: Bins): void {
  writer.reserve(16 + indices.length * 13)
  writer.varint(indices.length)
  for (let i = 0; i < indices.length; i += 1) {
    writer.varint(i === 0 ? zigzag(indices[0]!) : indices[i]! - indices[i - 1]!)
    writer.varint(counts[i]!)
  }
}

function decode(text: string): Sketch {
  const from = new ByteReader(fromBase64(text))
  if (from.byte() !== format) throw new RangeError('unknown format of a sketch')
  const sketch = { negative: readBins(from), zeros: from.varint(), positive: readBins(from) }
  from.end()
  return sketch
}

function readBins(from: ByteReader): Bins {
  const bins = noBins()
  const length = from.count(from.left)
  for (let i = 0; i < length; i += 1) {
    const code = from.varint()
    bins.indices.push(i === 0 ? unzigzag(code) : bins.indices[i - 1]! + code)
    bins.counts.push(from.varint())
  }
  return bins
}
