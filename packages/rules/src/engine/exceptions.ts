import type { Sample, TakeSample } from './samples.ts'

export const bad = 1
export const between = 2

/** A judgement that was not good. */
export type Exception = Sample

/** Judgements of one rule at one subject that were not good, in order of start. */
export class Exceptions {
  readonly list: Exception[] = []

  /** Index of the first that starts at or after `start`. */
  indexOf(start: number): number {
    let [low, high] = [0, this.list.length]
    if (high > 0 && this.list[high - 1]!.start < start) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.list[middle]!.start < start) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether that changed anything. */
  set(exception: Exception): boolean {
    const at = this.indexOf(exception.start)
    const known = this.list[at]
    if (known?.start !== exception.start) this.list.splice(at, 0, exception)
    else if (known.level === exception.level && known.value === exception.value) return false
    else this.list[at] = exception
    return true
  }

  remove(start: number): boolean {
    const at = this.indexOf(start)
    if (this.list[at]?.start !== start) return false
    this.list.splice(at, 1)
    return true
  }

  eachSample(from: number, to: number, take: TakeSample): void {
    for (let at = this.indexOf(from); at < this.list.length && this.list[at]!.start < to; at++) take(this.list[at]!)
  }

  loadSample(sample: Sample): void {
    this.set(sample)
  }

  dropBefore(floor: number): void {
    this.list.splice(0, this.indexOf(floor))
  }
}
