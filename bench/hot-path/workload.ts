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

/** Payloads as a socket hands them on: one after another in slabs of 64 KiB. */
function inSlabs(texts: readonly string[]): Buffer[] {
  let slab = Buffer.allocUnsafeSlow(slabBytes)
  let used = 0
  return texts.map((text) => {
    if (used + text.length > slabBytes) {
      slab = Buffer.allocUnsafeSlow(slabBytes)
      used = 0
    }
    const written = slab.write(text, used, 'latin1')
    used += written
    return slab.subarray(used - written, used)
  })
}

export interface Workload {
  readings: number
  payloadBytes: number
  /** The same messages each time, with topics that are new strings, as a transport makes them. */
  messages(): Message[]
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
  const bodies = inSlabs(texts)
  const topics = Array.from({ length: devices }, (_, n) =>
    Buffer.from(`telemetry/site-${n % 3}/dev-${String(n).padStart(5, '0')}`),
  )
  return {
    readings: texts.length * metrics.length,
    payloadBytes: texts.reduce((sum, text) => sum + text.length, 0),
    messages: () => bodies.map((body, at) => ({ topic: topics[at % devices]!.toString(), body, qos: 1 })),
    startMs,
  }
}
