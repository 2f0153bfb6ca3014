import type { Message } from '@millrace/pipeline'

export interface WorkloadOptions {
  devices: number
  /** Event time covered, at one message per device and second. */
  seconds: number
  metrics: readonly string[]
}

const startMs = Date.UTC(2025, 10, 20, 12)
const slabBytes = 64 * 1024

/** Deterministic numbers in [0, 1): mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Payloads one after another in slabs of 64 KiB, as a socket hands them on: few objects, so that the collector sees little of them. */
class Slabs {
  readonly #slabs: Buffer[] = []
  readonly #slabOf: Uint32Array
  readonly #from: Uint32Array
  readonly #to: Uint32Array

  constructor(texts: readonly string[]) {
    this.#slabOf = new Uint32Array(texts.length)
    this.#from = new Uint32Array(texts.length)
    this.#to = new Uint32Array(texts.length)
    let used = slabBytes
    for (const [at, text] of texts.entries()) {
      if (used + text.length > slabBytes) {
        this.#slabs.push(Buffer.allocUnsafeSlow(slabBytes))
        used = 0
      }
      this.#slabOf[at] = this.#slabs.length - 1
      this.#from[at] = used
      used += this.#slabs.at(-1)!.write(text, used, 'latin1')
      this.#to[at] = used
    }
  }

  body(at: number): Buffer {
    return this.#slabs[this.#slabOf[at]!]!.subarray(this.#from[at], this.#to[at])
  }
}

export interface Workload {
  readings: number
  payloadBytes: number
  messageCount: number
  /** The same messages each time, as objects and strings that are new, as a transport makes them. */
  messages(from: number, to: number): Message[]
  startMs: number
}

/** Second by second, every device once, each on a random walk with three decimals. */
export function createWorkload({ devices, seconds, metrics }: WorkloadOptions): Workload {
  const random = randomFrom(7)
  const levels = Array.from({ length: devices * metrics.length }, () => 20 + random() * 10)
  const texts: string[] = []
  for (let second = 0; second < seconds; second++) {
    for (let device = 0; device < devices; device++) {
      const readings = metrics.map((metric, at) => {
        const index = device * metrics.length + at
        levels[index]! += random() - 0.5
        return `"${metric}":${Number(levels[index]!.toFixed(3))}`
      })
      const ts = startMs + second * 1000 + Math.floor(random() * 1000)
      texts.push(`{"ts":${ts},"seq":${second},"boot":"a1","readings":{${readings.join(',')}}}`)
    }
  }
  const slabs = new Slabs(texts)
  const messageCount = texts.length
  const topics = Array.from({ length: devices }, (_, n) =>
    Buffer.from(`telemetry/site-${n % 3}/dev-${String(n).padStart(5, '0')}`),
  )
  return {
    readings: messageCount * metrics.length,
    payloadBytes: texts.reduce((sum, text) => sum + text.length, 0),
    messageCount,
    messages: (from, to) =>
      Array.from({ length: Math.min(to, messageCount) - from }, (_, n) => ({
        topic: topics[(from + n) % devices]!.toString(),
        body: slabs.body(from + n),
        qos: 1,
      })),
    startMs,
  }
}
