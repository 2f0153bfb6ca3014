import type { OpenWindow, PackedRows, SetRows } from '../keeper-types.ts'
import { pack, stride, unpack } from '../packed-rows.ts'
import type { DeviceState } from './device-state.ts'

const smallest = 8

/** Where and how long a window is open; the settings it was opened under hold until it closes. */
export interface WindowFrame {
  start: number
  lengthMs: number
  maxReadings: number
  closeAt: number
  late: boolean
}

/** An open window of one series: its readings in order of arrival, repeats included. */
export class OpenRows implements OpenWindow {
  readonly series: number
  readonly owner: DeviceState
  readonly start: number
  readonly end: number
  readonly lengthMs: number
  readonly maxReadings: number
  readonly closeAt: number
  readonly late: boolean
  data = new Float64Array(smallest * stride)
  length = 0
  /** Readings that fit into `data` before it must grow. */
  room = smallest
  /** Repeats removed to make room. */
  duplicates = 0
  /** Full of readings that are all different. */
  full = false
  isOpen = true
  /** Since the last `takeChanges`. */
  touched = false
  /** There is a row of it in the last checkpoint. */
  saved = false
  /** Next open window of the same series. */
  next: OpenRows | undefined

  constructor(series: number, owner: DeviceState, frame: WindowFrame) {
    this.series = series
    this.owner = owner
    this.start = frame.start
    this.end = frame.start + frame.lengthMs
    this.lengthMs = frame.lengthMs
    this.maxReadings = frame.maxReadings
    this.closeAt = frame.closeAt
    this.late = frame.late
    this.room = Math.min(smallest, frame.maxReadings)
  }

  get device(): number {
    return this.owner.id
  }

  get rows(): PackedRows {
    return { start: this.start, length: this.length, data: this.data }
  }

  columns(): SetRows {
    return unpack(this.rows)
  }

  replace(rows: SetRows): void {
    const capacity = Math.max(smallest, rows.length)
    this.data = pack(rows, this.start, capacity)
    this.length = rows.length
    this.room = Math.min(capacity, this.maxReadings)
  }

  /** False where it is as large as it may be. */
  grow(): boolean {
    const capacity = Math.min(Math.max(smallest, this.length * 2), this.maxReadings)
    if (capacity <= this.length) return false
    const grown = new Float64Array(capacity * stride)
    grown.set(this.data.subarray(0, this.length * stride))
    this.data = grown
    this.room = capacity
    return true
  }
}
