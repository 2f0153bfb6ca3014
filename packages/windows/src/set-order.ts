/**
 * What makes any order of arrival the same set: readings sorted by (time, boot name, seq, value), then of those with the
 * same key the first alone. Keys are the design's: (boot, seq) with both; (seq, ts) with seq; else (ts, value); an
 * unstamped reading without boot and seq has none, unless it was re-stamped.
 */
import type { SetRows } from './keeper-types.ts'
import { unstamped } from './types.ts'

/** Set on unstamped rows that were re-stamped: their time tells them apart all the same. */
export const timeTells = 2

/** Set on rows of a closing while they are united with a stored set; never stored. */
export const arrivedNow = 128

type BootNames = (boot: number) => string

/** The same rows where they are sorted already, else a sorted copy. */
export function sortRows(rows: SetRows, bootName: BootNames): SetRows {
  const compare = rowOrder(rows, bootName)
  let i = 1
  while (i < rows.length && compare(i - 1, i) <= 0) i += 1
  if (i >= rows.length) return rows
  return pick(rows, Uint32Array.from({ length: rows.length }, (_, at) => at).sort(compare))
}

/** Rows at these places, in this order. */
export function pick(rows: SetRows, places: Uint32Array): SetRows {
  const picked = emptyRows(places.length)
  for (let i = 0; i < places.length; i += 1) {
    const from = places[i]!
    picked.ts[i] = rows.ts[from]!
    picked.seq[i] = rows.seq[from]!
    picked.boot[i] = rows.boot[from]!
    picked.value[i] = rows.value[from]!
    picked.flags[i] = rows.flags[from]!
  }
  return picked
}

export function emptyRows(length: number): SetRows {
  return {
    length,
    ts: new Float64Array(length),
    seq: new Float64Array(length),
    boot: new Uint32Array(length),
    value: new Float64Array(length),
    flags: new Uint8Array(length),
  }
}

/** Flags make the order total, so that rows alike in all else cannot come out in order of arrival. */
function rowOrder(rows: SetRows, bootName: BootNames): (a: number, b: number) => number {
  const { ts, seq, boot, value, flags } = rows
  return (a, b) =>
    ts[a]! - ts[b]! ||
    compareBoots(boot[a]!, boot[b]!, bootName) ||
    compareSeqs(seq[a]!, seq[b]!) ||
    compareValues(value[a]!, value[b]!) ||
    (flags[a]! & ~arrivedNow) - (flags[b]! & ~arrivedNow) ||
    flags[a]! - flags[b]!
}

function compareBoots(a: number, b: number, bootName: BootNames): number {
  if (a === b) return 0
  if (a === 0 || b === 0) return a - b
  return bootName(a) < bootName(b) ? -1 : 1
}

function compareSeqs(a: number, b: number): number {
  if (a === b) return 0
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1
  return Number.isNaN(b) ? 1 : a - b
}

function compareValues(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
}

/** Places kept, and how many rows repeat a key: each counted where it is met, so that a lost row is in neither. */
interface Kept {
  places: Uint32Array
  repeats: number
}

/** Sorted rows without repeats: the same rows where there is none. */
export function removeRepeats(sorted: SetRows): { rows: SetRows; repeats: number } {
  const { places, repeats } = keptInOnePass(sorted) ?? keptByKey(sorted)
  return { rows: places.length === sorted.length ? sorted : pick(sorted, places), repeats }
}

const bootAndSeq = 0
const seqAndTs = 1
const tsAndValue = 2
const noKey = 3

function keyKind(rows: SetRows, i: number): number {
  const hasSeq = !Number.isNaN(rows.seq[i])
  if (hasSeq && rows.boot[i] !== 0) return bootAndSeq
  if ((rows.flags[i]! & (unstamped | timeTells)) === unstamped) return noKey
  return hasSeq ? seqAndTs : tsAndValue
}

/**
 * The usual case, without a second sort: every row's key is above the one before it or repeats it.
 * Undefined where rows do not come so.
 */
function keptInOnePass(rows: SetRows): Kept | undefined {
  const kept = new Uint32Array(rows.length)
  let length = 0
  let repeats = 0
  for (let i = 0; i < rows.length; i += 1) {
    const order = length === 0 ? 1 : keyStep(rows, kept[length - 1]!, i)
    if (Number.isNaN(order)) return undefined
    if (order > 0) kept[length++] = i
    else repeats++
  }
  return { places: kept.subarray(0, length), repeats }
}

/** Above 0 where the key of row b is above that of a, 0 where it repeats it, NaN where this cannot be told from the two alone. */
function keyStep(rows: SetRows, a: number, b: number): number {
  const kind = keyKind(rows, b)
  if (kind !== keyKind(rows, a)) return Number.NaN
  if (kind === noKey) return 1
  if (kind !== bootAndSeq && rows.ts[b]! > rows.ts[a]!) return 1
  if (rows.boot[a] !== rows.boot[b]) return Number.NaN
  const step = kind === tsAndValue ? rows.value[b]! - rows.value[a]! : rows.seq[b]! - rows.seq[a]!
  return step >= 0 ? step : Number.NaN
}

function keptByKey(rows: SetRows): Kept {
  const kinds = Uint8Array.from({ length: rows.length }, (_, i) => keyKind(rows, i))
  const major = Float64Array.from(kinds, (kind, i) => (kind === bootAndSeq ? rows.boot[i]! : rows.ts[i]!))
  const minor = Float64Array.from(kinds, (kind, i) => (kind === tsAndValue ? rows.value[i]! : rows.seq[i]!))
  const sameKey = (a: number, b: number) => kinds[a] === kinds[b] && major[a] === major[b] && minor[a] === minor[b]
  const byKey = Uint32Array.from(kinds, (_, i) => i).sort(
    (a, b) => kinds[a]! - kinds[b]! || major[a]! - major[b]! || minor[a]! - minor[b]! || a - b,
  )
  const repeatsBefore = (a: number, at: number) => at > 0 && kinds[a] !== noKey && sameKey(byKey[at - 1]!, a)
  let repeats = 0
  const isFirst = (a: number, at: number) => {
    if (!repeatsBefore(a, at)) return true
    repeats++
    return false
  }
  return { places: byKey.filter(isFirst).sort(), repeats }
}
