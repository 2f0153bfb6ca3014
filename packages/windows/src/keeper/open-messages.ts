import type { BootMessages } from '../message-sets.ts'
import { addMessage, messagesOf } from '../message-sets.ts'
import type { WindowFrame } from './open-rows.ts'

/** Messages of one device in one open window, by boot. */
export class OpenMessages {
  readonly device: number
  readonly start: number
  readonly end: number
  readonly lengthMs: number
  readonly closeAt: number
  readonly maxReadings: number
  private readonly byBoot: BootMessages[]
  /** Numbers from `runFirst` below `runNext`, one after the other, that are not yet in the set of `runBoot`. */
  private runBoot = 0
  private runFirst = 0
  private runNext = -1
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
    this.byBoot = boots
  }

  get boots(): BootMessages[] {
    this.endRun()
    return this.byBoot
  }

  add(boot: number, ts: number, seq: number): void {
    if (seq === this.runNext && boot === this.runBoot) this.runNext += 1
    else this.addOther(boot, ts, seq)
  }

  private addOther(boot: number, ts: number, seq: number): void {
    this.endRun()
    addMessage({ boots: this.byBoot, most: this.maxReadings }, boot, { ts, seq })
    if (boot === 0 || Number.isNaN(seq)) return
    this.runBoot = boot
    this.runFirst = seq + 1
    this.runNext = seq + 1
  }

  private endRun(): void {
    if (this.runNext <= this.runFirst) return
    messagesOf(this.byBoot, this.runBoot).seqs.addRange(this.runFirst, this.runNext - 1)
    this.runFirst = this.runNext
  }
}
