import type { MetricKind } from '@millrace/contracts'

/** Bits of `flags`. */
export const unstamped = 1
export const qos0 = 2
/** With `unstamped`: the time is the device's own, corrected by an offset that is held, so it still tells a reading from another. */
export const restamped = 4
/** Recognised by (series, boot, seq) in whatever window, as an unstamped one: its device's times may be corrected next. */
export const numbered = 8

/** What the windows must know of ids; ids are dense, persistent and never reused. Boot 0 means none. */
export interface Directory {
  deviceOf(series: number): number
  kindOf(series: number): MetricKind
  bootName(boot: number): string
}

/** Columns of readings in order of arrival, all of one length. */
export interface ReadingColumns {
  length: number
  series: Uint32Array
  /** Epoch ms. Where `flags` has `unstamped`: arrival on the agent's monotonic scale, ms, turned into agent time on apply. */
  ts: Float64Array
  /** NaN where absent. */
  seq: Float64Array
  boot: Uint32Array
  value: Float64Array
  flags: Uint8Array
}

/** One entry per device message (per object of an array), set-aside ones with a usable device included. */
export interface MessageColumns {
  length: number
  device: Uint32Array
  /** As in ReadingColumns. */
  ts: Float64Array
  seq: Float64Array
  boot: Uint32Array
  flags: Uint8Array
}

/** Readings refused by a decoder, already in the dead letters. */
export interface InvalidCount {
  device: number
  reason: string
  count: number
}

/** Readings that a decoder took for a device's. */
export interface TakenCount {
  device: number
  count: number
}

/** What one group commit journals. */
export interface ReadingBatch {
  /** Newest arrival in the batch on the agent's monotonic scale, ms. */
  arrivedMonotonicMs: number
  readings: ReadingColumns
  messages: MessageColumns
  invalid: readonly InvalidCount[]
  /**
   * What the decoders counted themselves, independent of the columns: a reading that the columns lack is missed in the
   * accounts. Absent in journals of earlier releases; then the columns are believed.
   */
  taken?: readonly TakenCount[]
}

export interface WindowSettings {
  lengthMs: number
  latenessMs: number
  /** Kept per series and window; more are `over-rate`. */
  maxReadings: number
  amendForMs: number
}

/** Everything the windows obey, in journal order: the same entries give the same bytes. */
export type JournalEntry =
  | { kind: 'data'; batch: ReadingBatch }
  /** The agent started; monotonic times before it belong to another scale. */
  | { kind: 'start'; epoch: string }
  /** The agent's time at a monotonic moment: first anchor, or a step that the time source confirmed. */
  | { kind: 'anchor'; monotonicMs: number; wallMs: number }
  /** Devices silent for `idleMs`: their open windows close, their watermarks stay. */
  | { kind: 'idle'; devices: Uint32Array }
  /** Devices silent so long that they give up their sets: floors rise past their newest window. */
  | { kind: 'retire'; devices: Uint32Array }
  /** The amendment span shrinks (or grows back) for all devices; floors never fall. */
  | { kind: 'span'; amendSpanMs: number }
  /** Closed readings whose messages were given up unsent for lack of room: out of `closed`, into `dropped` as `full`. */
  | { kind: 'dropped'; losses: readonly { device: number; readings: number }[] }
  /** Time settings in force from the next full hour of each device's event time. */
  | { kind: 'settings'; settings: WindowSettings }
