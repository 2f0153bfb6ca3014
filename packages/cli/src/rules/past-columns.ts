import type { ReadingBatch } from '@millrace/windows'

/** One message of the past with its ids. */
export interface PastMessage {
  device: number
  ts: number
  /** NaN where absent. */
  seq: number
  boot: number
  readings: { series: number; value: number }[]
}

/** The columns in which the windows take readings. */
export function batchOf(messages: readonly PastMessage[], arrivedMonotonicMs: number): ReadingBatch {
  const readings = messages.flatMap(({ readings, ...message }) => readings.map((each) => ({ ...message, ...each })))
  const common = (rows: readonly { ts: number; seq: number; boot: number }[]) => ({
    length: rows.length,
    ts: Float64Array.from(rows, ({ ts }) => ts),
    seq: Float64Array.from(rows, ({ seq }) => seq),
    boot: Uint32Array.from(rows, ({ boot }) => boot),
    flags: new Uint8Array(rows.length),
  })
  return {
    arrivedMonotonicMs,
    readings: {
      ...common(readings),
      series: Uint32Array.from(readings, ({ series }) => series),
      value: Float64Array.from(readings, ({ value }) => value),
    },
    messages: { ...common(messages), device: Uint32Array.from(messages, ({ device }) => device) },
    invalid: [],
  }
}
