import type { ClosedWindow, SetRows, StoredSet, WindowClosing } from './keeper-types.ts'
import { unpack } from './packed-rows.ts'
import { decodeSet, encodeSet } from './set-codec.ts'
import { arrivedNow, emptyRows, pick, removeRepeats, sortRows } from './set-order.ts'
import { summarize, unstampedCount } from './summarize.ts'
import type { Directory } from './types.ts'

const none = emptyRows(0)

/**
 * Unites a closing with the window's stored set, if it has one, by key. Throws RangeError on stored bytes that are no set.
 * A window without a stored set is new: rev 0, nothing amended.
 */
export function closeWindow(closing: WindowClosing, stored: StoredSet | undefined, directory: Directory): ClosedWindow {
  const { set, repeats, overRate } = unite(closing, stored, directory)
  const bytes = encodeSet(set)
  const added = set.length - (stored?.count ?? 0)
  const isNew = !stored || !equalBytes(bytes, stored.bytes)
  const next: StoredSet = {
    bytes,
    count: set.length,
    rev: stored ? stored.rev + Number(isNew) : 0,
    amended: stored ? stored.amended + added : 0,
    duplicate: (stored?.duplicate ?? 0) + closing.duplicates + repeats,
    unstamped: unstampedCount(set),
  }
  const { start, lengthMs } = closing
  const { amended, duplicate } = next
  const kind = directory.kindOf(closing.series)
  const summary = isNew ? summarize(set, { kind, start, lengthMs, amended, duplicate }) : undefined
  return { set: next, summary, added, duplicates: repeats, overRate }
}

function unite(closing: WindowClosing, stored: StoredSet | undefined, directory: Directory) {
  const arrived = unpack(closing.rows)
  const bootName = (boot: number) => directory.bootName(boot)
  if (!stored) {
    const { rows, repeats } = removeRepeats(sortRows(arrived, bootName))
    return { set: rows, repeats, overRate: none }
  }
  for (let i = 0; i < arrived.length; i += 1) arrived.flags[i]! |= arrivedNow
  const { rows, repeats } = removeRepeats(sortRows(concatenate(decodeSet(stored.bytes), arrived), bootName))
  const { kept, over } = fitted(rows, Math.max(closing.maxReadings, stored.count))
  return { set: unmarked(kept), repeats, overRate: unmarked(over) }
}

/** Gives up the latest of those that arrived now where the set would be too large. */
function fitted(union: SetRows, maxReadings: number): { kept: SetRows; over: SetRows } {
  let excess = union.length - maxReadings
  if (excess <= 0) return { kept: union, over: none }
  const isOver = new Uint8Array(union.length)
  for (let i = union.length - 1; i >= 0 && excess > 0; i -= 1) {
    if ((union.flags[i]! & arrivedNow) === 0) continue
    isOver[i] = 1
    excess -= 1
  }
  const places = Uint32Array.from(isOver, (_, i) => i)
  return {
    kept: pick(
      union,
      places.filter((i) => isOver[i] === 0),
    ),
    over: pick(
      union,
      places.filter((i) => isOver[i] === 1),
    ),
  }
}

function unmarked(rows: SetRows): SetRows {
  for (let i = 0; i < rows.length; i += 1) rows.flags[i]! &= ~arrivedNow
  return rows
}

function concatenate(a: SetRows, b: SetRows): SetRows {
  const both = emptyRows(a.length + b.length)
  for (const column of ['ts', 'seq', 'boot', 'value', 'flags'] as const) {
    both[column].set(a[column].subarray(0, a.length))
    both[column].set(b[column].subarray(0, b.length), a.length)
  }
  return both
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
