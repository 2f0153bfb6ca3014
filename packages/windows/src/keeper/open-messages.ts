import type { BootMessages } from '../message-sets.ts'
import { addMessage } from '../message-sets.ts'
import type { WindowFrame } from './open-rows.ts'

/** Messages of one device in one open window, by boot. */
export class OpenMessages {
  readonly device: number
  readonly start: number
  readonly end: number
  readonly lengthMs: number
  readonly closeAt: number
  readonly maxReadings: number
  readonly boots: BootMessages[]
  isOpen = true
  touched = false
  saved = false

  constructor(device: number, frame: Omit<WindowFrame, 'late'>, boots: BootMessages[] = []) {
    this.device = device
    this.start = frame.start
    this.end = frame.start + frame.lengthMs
    this.lengthMs = frame.lengthMs
    this.closeAt = frame.closeAt
    this.maxReadings = frame.maxReadings
    this.boots = boots
  }

  add(boot: number, ts: number, seq: number): void {
    addMessage({ boots: this.boots, most: this.maxReadings }, boot, { ts, seq })
  }
}
