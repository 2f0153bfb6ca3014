/**
 * Readings of an open window, three doubles each in one array: boot, flags and the time since the window's start in
 * one whole number, then seq, then value. A window is at most 30 minutes long (under 2^21 ms) and boot ids stay below
 * 2^30, so the first stays below 2^53.
 */
import type { PackedRows, SetRows } from './keeper-types.ts'
import { emptyRows } from './set-order.ts'

export const stride = 3
const timeSpan = 2 ** 21
const flagSpan = 4

export function packHead(boot: number, flags: number, sinceStartMs: number): number {
  return (boot * flagSpan + flags) * timeSpan + sinceStartMs
}

export function unpack({ start, length, data }: PackedRows): SetRows {
  const rows = emptyRows(length)
  for (let i = 0; i < length; i += 1) {
    const head = data[i * stride]!
    const tags = Math.floor(head / timeSpan)
    rows.ts[i] = start + (head - tags * timeSpan)
    rows.seq[i] = data[i * stride + 1]!
    rows.value[i] = data[i * stride + 2]!
    rows.boot[i] = tags / flagSpan
    rows.flags[i] = tags % flagSpan
  }
  return rows
}

/** `capacity` rows of room, at least as many as there are. */
export function pack(rows: SetRows, start: number, capacity: number): Float64Array<ArrayBuffer> {
  const data = new Float64Array(Math.max(capacity, rows.length) * stride)
  for (let i = 0; i < rows.length; i += 1) {
    data[i * stride] = packHead(rows.boot[i]!, rows.flags[i]!, rows.ts[i]! - start)
    data[i * stride + 1] = rows.seq[i]!
    data[i * stride + 2] = rows.value[i]!
  }
  return data
}
