import { type DeviceProgress, NumberSet } from './ledger/index.ts'
import type { Send } from './send.ts'

/** How far one device's messages are acknowledged. */
export interface Progress {
  /** On its way from now on. */
  issued(send: Pick<Send, 'tick'>): void
  acked(sends: readonly Pick<Send, 'tick' | 'copy' | 'atMs'>[]): void
  state(): DeviceProgress
}

export function createProgress(first: number): Progress {
  const acked = new NumberSet()
  const twice = new NumberSet()
  const issued = new NumberSet()
  let lastMs: number | null = null
  return {
    issued: ({ tick }) => issued.add(tick),
    acked(sends) {
      for (const { tick, copy, atMs } of sends) {
        const ticks = copy === 0 ? acked : twice
        ticks.add(tick)
        lastMs = Math.max(lastMs ?? atMs, atMs)
      }
    },
    state: () => ({ first, acked: acked.ranges, twice: twice.ranges, issued: issued.ranges, lastMs }),
  }
}

/** Counts of a whole run, in messages of devices: an array counts as many as it holds. */
export interface Totals {
  sent: number
  acked: number
}
