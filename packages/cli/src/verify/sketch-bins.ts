/** What a summary's sketch holds, rising by value: the bins of negative sizes first, then zeros, then positive ones. */
export interface SketchBins {
  /** Middle value and number of readings of each bin. */
  bins: readonly (readonly [value: number, count: number])[]
  count: number
}

const format = 1
const relativeError = 0.01
const gamma = (1 + relativeError) / (1 - relativeError)
const middle = 2 / (gamma + 1)

function* numbersOf(bytes: Uint8Array): Generator<number, undefined> {
  let value = 0
  let scale = 1
  for (const byte of bytes) {
    value += (byte & 127) * scale
    scale *= 128
    if (byte > 127) continue
    yield value
    value = 0
    scale = 1
  }
}

class Numbers {
  readonly #numbers: Generator<number, undefined>

  constructor(text: string) {
    this.#numbers = numbersOf(Buffer.from(text, 'base64'))
  }

  next(): number {
    return this.#numbers.next().value ?? Number.NaN
  }

  bins(): [number, number][] {
    const length = this.next()
    const bins: [number, number][] = []
    let index = 0
    for (let at = 0; at < length; at++) {
      const step = this.next()
      // The first index is zigzag coded, the others are distances.
      index = at === 0 ? (step % 2 === 0 ? step / 2 : -(step + 1) / 2) : index + step
      bins.push([middle * gamma ** index, this.next()])
    }
    return bins
  }
}

/** Written from the description of the format, not with the code that wrote the sketch; undefined where it is none. */
export function readSketch(text: string): SketchBins | undefined {
  const numbers = new Numbers(text)
  if (numbers.next() !== format) return undefined
  const negative = numbers.bins().map(([size, count]): [number, number] => [-size, count])
  const zeros = numbers.next()
  const positive = numbers.bins()
  const bins = [...negative.reverse(), ...(zeros > 0 ? [[0, zeros] as [number, number]] : []), ...positive]
  const count = bins.reduce((sum, [, of]) => sum + of, 0)
  return Number.isNaN(count + zeros) ? undefined : { bins, count }
}

/** The middle of the bin that holds the value at index ceil(q n) - 1. */
export function rankInSketch({ bins, count }: SketchBins, q: number): number {
  let left = Math.max(1, Math.ceil((Math.round(q * 100) * count) / 100))
  for (const [value, of] of bins) {
    left -= of
    if (left <= 0) return value
  }
  return Number.NaN
}
