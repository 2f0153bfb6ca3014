import type { OpenWindow, PackedRows, SetRows } from '../keeper-types.ts'
import { pack, stride, unpack } from '../packed-rows.ts'
import type { Arena } from './arena.ts'
import type { DeviceState } from './device-state.ts'

const smallest = 8
const nothing = new Float64Array(0)

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
  data: Float64Array = nothing
  offset = 0
  length = 0
  /** Readings that fit before it must grow. */
  room = 0
  /** Repeats removed to make room. */
  duplicates = 0
  /** Repeats were removed and were few: once full again it stays full. */
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
  }

  get device(): number {
    return this.owner.id
  }

  get rows(): PackedRows {
    return { start: this.start, length: this.length, data: this.data, offset: this.offset }
  }

  /** Good until the next call for any window. */
  columns(): SetRows {
    return unpack(this.rows)
  }

  /** These rows in place of those it has. */
  replace(rows: SetRows, arena: Arena): void {
    this.length = 0
    if (this.room < rows.length) this.makeRoom(rows.length, arena)
    this.length = rows.length
    pack(rows, this.rows)
  }

  /** False where it is as large as it may be. `likely` readings are expected in all. */
  grow(arena: Arena, likely: number): boolean {
    if (this.length >= this.maxReadings) return false
    this.makeRoom(Math.max(smallest, likely, this.length * 2), arena)
    return true
  }

  private makeRoom(rows: number, arena: Arena): void {
    const room = Math.min(rows, this.maxReadings)
    const { data, offset } = arena.take(room)
    data.set(this.data.subarray(this.offset, this.offset + this.length * stride), offset)
    this.data = data
    this.offset = offset
    this.room = room
  }
}
