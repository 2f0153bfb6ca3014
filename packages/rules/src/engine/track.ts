import type { Sample, SampleHolder, TakeSample } from './samples.ts'

const firstCapacity = 16

function commonStep(a: number, b: number): number {
  return b === 0 ? a : commonStep(b, a % b)
}

/** Values of one field of one series by start of window, on a grid as dense as its windows; NaN where there is none. */
export class Track implements SampleHolder {
  readonly id: number
  #values = new Float64Array(firstCapacity).fill(Number.NaN)
  #base = 0
  #step = 0
  /** Places in use, from the base. */
  #length = 0

  constructor(id: number) {
    this.id = id
  }

  get(start: number): number {
    const at = (start - this.#base) / this.#step
    return at >= 0 && at < this.#length ? (this.#values[at] ?? Number.NaN) : Number.NaN
  }

  /** Whether the value is new. */
  set(window: { start: number; lengthMs: number }, value: number): boolean {
    const { start, lengthMs } = window
    if (lengthMs === this.#step && start === this.#next) return this.#append(value)
    if (this.#length === 0) this.#begin(start, lengthMs)
    else if (lengthMs % this.#step !== 0 || (start - this.#base) % this.#step !== 0) this.#refine(start, lengthMs)
    if (start < this.#base) this.#extendBack(start)
    const at = (start - this.#base) / this.#step
    if (at >= this.#values.length) this.#grow(Math.max(at + 1, this.#values.length * 1.5), 0)
    if (at >= this.#length) this.#length = at + 1
    else if (Object.is(this.#values[at], value)) return false
    this.#values[at] = value
    return true
  }

  get #next(): number {
    return this.#base + this.#length * this.#step
  }

  #append(value: number): boolean {
    if (this.#length === this.#values.length) this.#grow(this.#length * 1.5, 0)
    this.#values[this.#length++] = value
    return true
  }

  /** Every value from `from` on and before `to`, in order. */
  each(from: number, to: number, take: (start: number, value: number) => void): void {
    let at = Math.max(0, Math.ceil((from - this.#base) / this.#step) || 0)
    for (; at < this.#length; at++) {
      const start = this.#base + at * this.#step
      if (start >= to) return
      const value = this.#values[at]!
      if (!Number.isNaN(value)) take(start, value)
    }
  }

  eachSample(from: number, to: number, take: TakeSample): void {
    const sample: Sample = { start: 0, lengthMs: this.#step, level: 0, value: 0 }
    let at = Math.max(0, Math.ceil((from - this.#base) / this.#step) || 0)
    for (; at < this.#length; at++) {
      sample.start = this.#base + at * this.#step
      if (sample.start >= to) return
      sample.value = this.#values[at]!
      if (!Number.isNaN(sample.value)) take(sample)
    }
  }

  loadSample({ start, lengthMs, value }: Sample): void {
    this.set({ start, lengthMs }, value)
  }

  /** Whether a window lies so far on that what is before `floor` must make room first. */
  isFar(start: number, floor: number): boolean {
    return this.#length > 0 && start - this.#base > 2 * (start - floor)
  }

  /** Length of the windows, or what divides all of their lengths. */
  get stepMs(): number {
    return this.#step
  }

  get newest(): number {
    return this.#base + (this.#length - 1) * this.#step
  }

  dropBefore(floor: number): void {
    const drop = Math.min(this.#length, Math.max(0, Math.ceil((floor - this.#base) / this.#step)))
    if (drop > 0) {
      this.#values.copyWithin(0, drop, this.#length)
      this.#values.fill(Number.NaN, this.#length - drop, this.#length)
      this.#base += drop * this.#step
      this.#length -= drop
    }
  }

  #begin(start: number, step: number): void {
    this.#base = start
    this.#step = step
  }

  #extendBack(start: number): void {
    const shift = (this.#base - start) / this.#step
    this.#grow(Math.max(this.#values.length, this.#length + shift), shift)
    this.#base = start
    this.#length += shift
  }

  #grow(capacity: number, shift: number): void {
    const grown = new Float64Array(Math.ceil(capacity)).fill(Number.NaN)
    grown.set(this.#values.subarray(0, this.#length), shift)
    this.#values = grown
  }

  /** The length of windows changed: a grid that has room for both. */
  #refine(start: number, lengthMs: number): void {
    const step = commonStep(commonStep(this.#step, lengthMs), Math.abs(start - this.#base))
    const [old, base, length, oldStep] = [this.#values, this.#base, this.#length, this.#step]
    this.#values = new Float64Array(((length - 1) * oldStep) / step + firstCapacity).fill(Number.NaN)
    this.#step = step
    for (let at = 0; at < length; at++) this.#values[(at * oldStep) / step] = old[at]!
    this.#base = base
    this.#length = ((length - 1) * oldStep) / step + 1
  }
}
