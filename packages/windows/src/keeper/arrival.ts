import { unstamped } from '../types.ts'
import type { Anchor } from './keeper-state.ts'

/** When a batch arrived, in both scales. */
export interface Arrival {
  /** NaN where the scale is that of an earlier start. */
  monotonicMs: number
  /** Whole epoch ms of the agent's time. */
  wallMs: number
  /** Undefined where the monotonic scale says nothing about the anchor: then all of it arrived at `wallMs`. */
  anchor: Anchor | undefined
}

/** Agent's time at a monotonic moment, whole epoch ms. */
export function agentTime(anchor: Anchor, monotonicMs: number): number {
  return Math.round(anchor.wallMs + (monotonicMs - anchor.monotonicMs))
}

/** The columns with agent time in place of the arrival of those that are unstamped; the same columns where none is. */
export function stamped<Columns extends { length: number; ts: Float64Array; flags: Uint8Array }>(
  columns: Columns,
  arrival: Arrival,
): Columns {
  const { flags, length } = columns
  let i = 0
  while (i < length && (flags[i]! & unstamped) === 0) i += 1
  if (i === length) return columns
  const ts = columns.ts.slice(0, length)
  for (; i < length; i += 1) {
    if ((flags[i]! & unstamped) !== 0) ts[i] = arrival.anchor ? agentTime(arrival.anchor, ts[i]!) : arrival.wallMs
  }
  return { ...columns, ts }
}
