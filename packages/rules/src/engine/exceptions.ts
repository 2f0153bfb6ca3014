import type { Sample, SampleHolder, TakeSample } from './samples.ts'

export const bad = 1
export const between = 2

/** A judgement that was not good. */
export type Exception = Sample

/** Numbers of one: start, value, and its length with its level. */
const stride = 3
const levels = 4
const firstCapacity = 4 * stride

/**
 * Judgements of one rule at one subject that were not good, in order of start. As numbers they take a tenth of what
 * objects do: a fleet may be bad for a day.
 */
export class Exceptions implements SampleHolder {
  #numbers = new Float64Array(firstCapacity)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Index of the first that starts at or after `start`. */
  #indexOf(start: number): number {
    let [low, high] = [0, this.#length]
    if (high > 0 && this.#numbers[(high - 1) * stride]! < start) return high
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#numbers[middle * stride]! < start) low = middle + 1
      else high = middle
    }
    return low
  }

  #isAt(index: number, start: number): boolean {
    return index < this.#length && this.#numbers[index * stride] === start
  }

  /** Whether that changed anything. */
  set({ start, value, lengthMs, level }: Readonly<Exception>): boolean {
    const index = this.#indexOf(start)
    const at = index * stride
    const kind = lengthMs * levels + level
    if (!this.#isAt(index, start)) this.#insert(at)
    else if (this.#numbers[at + 1] === value && this.#numbers[at + 2]! % levels === level) return false
    this.#numbers[at] = start
    this.#numbers[at + 1] = value
    this.#numbers[at + 2] = kind
    return true
  }

  remove(start: number): boolean {
    const index = this.#indexOf(start)
    if (!this.#isAt(index, start)) return false
    this.#numbers.copyWithin(index * stride, (index + 1) * stride, this.#length * stride)
    this.#length--
    return true
  }

  eachSample(from: number, to: number, take: TakeSample): void {
    for (let index = this.#indexOf(from); index < this.#length; index++) {
      const exception = this.#at(index)
      if (exception.start >= to) return
      take(exception)
    }
  }

  /** Those that start from `from` on and before `to`, in order. */
  within(from: number, to: number): Exception[] {
    const found: Exception[] = []
    this.eachSample(from, to, (exception) => found.push(exception))
    return found
  }

  loadSample(sample: Sample): void {
    this.set(sample)
  }

  dropBefore(floor: number): void {
    const dropped = this.#indexOf(floor)
    if (dropped === 0) return
    this.#numbers = this.#numbers.slice(dropped * stride, Math.max(firstCapacity, this.#length * stride))
    this.#length -= dropped
  }

  #at(index: number): Exception {
    const at = index * stride
    const kind = this.#numbers[at + 2]!
    const level = kind % levels
    return { start: this.#numbers[at]!, lengthMs: (kind - level) / levels, level, value: this.#numbers[at + 1]! }
  }

  /** Makes room for one. */
  #insert(at: number): void {
    const used = this.#length * stride
    if (used === this.#numbers.length) {
      const grown = new Float64Array(Math.ceil((used * 1.5) / stride + 1) * stride)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#numbers.copyWithin(at + stride, at, used)
    this.#length++
  }
}
