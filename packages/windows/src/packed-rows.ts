/**
 * Readings of an open window, three doubles each in one array: boot, flags and the time since the window's start in
 * one whole number, then seq, then value. A window is at most 30 minutes long (under 2^21 ms) and boot ids stay below
 * 2^30, so the first stays below 2^53.
 */
import type { PackedRows, SetRows } from './keeper-types.ts'
import { emptyRows, timeTells } from './set-order.ts'
import { restamped, unstamped } from './types.ts'

export const stride = 3
const timeSpan = 2 ** 21
const flagSpan = 4

/** The flags of a reading that its window keeps. */
export function keptFlags(flags: number): number {
  return (flags & unstamped) | ((flags & restamped) === 0 ? 0 : timeTells)
}

export function packHead(boot: number, flags: number, sinceStartMs: number): number {
  return (boot * flagSpan + flags) * timeSpan + sinceStartMs
}

let scratch = emptyRows(1024)

/** Columns in order of arrival, good until the next call: they are the same arrays each time. */
export function unpack({ start, length, data, offset }: PackedRows): SetRows {
  if (scratch.ts.length < length) scratch = emptyRows(length * 2)
  const rows = { ...scratch, length }
  let at = offset
  for (let i = 0; i < length; i += 1) {
    const head = data[at]!
    const tags = Math.floor(head / timeSpan)
    rows.ts[i] = start + (head - tags * timeSpan)
    rows.seq[i] = data[at + 1]!
    rows.value[i] = data[at + 2]!
    rows.boot[i] = tags / flagSpan
    rows.flags[i] = tags % flagSpan
    at += stride
  }
  return rows
}

/** Writes the rows where `into` points; there must be room. */
export function pack(rows: SetRows, into: PackedRows): void {
  let at = into.offset
  for (let i = 0; i < rows.length; i += 1) {
    into.data[at] = packHead(rows.boot[i]!, rows.flags[i]!, rows.ts[i]! - into.start)
    into.data[at + 1] = rows.seq[i]!
    into.data[at + 2] = rows.value[i]!
    at += stride
  }
}
