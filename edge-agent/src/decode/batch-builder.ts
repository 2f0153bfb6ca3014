import {
  type InvalidCount,
  type MessageColumns,
  type ReadingBatch,
  type ReadingColumns,
  type TakenCount,
  unstamped,
} from '@millrace/windows'

const firstCapacity = 1024

/** What the readings of one object share. */
export interface Envelope {
  /** Epoch ms; arrival on the agent's monotonic scale where `flags` has `unstamped`. */
  ts: number
  /** NaN where absent. */
  seq: number
  boot: number
  flags: number
}

/** Readings of one object, as a skeleton has them: those slots that are a series have a value at their place. */
export interface SlotValues {
  readonly slots: readonly number[]
  readonly values: Float64Array
}

/** Told of each message with a time of its own, epoch ms, at its arrival on the monotonic scale. */
export interface ClockWatcher {
  see(device: number, ts: number, arrivedMonotonicMs: number): void
}

const readingBytes = 3 * 8 + 2 * 4 + 1
const messageBytes = 2 * 8 + 2 * 4 + 1

/** Columns of one buffer, which costs the collector less than a buffer for each. */
function readingColumns(capacity: number): ReadingColumns {
  const buffer = new ArrayBuffer(capacity * readingBytes)
  return {
    length: 0,
    ts: new Float64Array(buffer, 0, capacity),
    seq: new Float64Array(buffer, capacity * 8, capacity),
    value: new Float64Array(buffer, capacity * 16, capacity),
    series: new Uint32Array(buffer, capacity * 24, capacity),
    boot: new Uint32Array(buffer, capacity * 28, capacity),
    flags: new Uint8Array(buffer, capacity * 32, capacity),
  }
}

function messageColumns(capacity: number): MessageColumns {
  const buffer = new ArrayBuffer(capacity * messageBytes)
  return {
    length: 0,
    ts: new Float64Array(buffer, 0, capacity),
    seq: new Float64Array(buffer, capacity * 8, capacity),
    device: new Uint32Array(buffer, capacity * 16, capacity),
    boot: new Uint32Array(buffer, capacity * 20, capacity),
    flags: new Uint8Array(buffer, capacity * 24, capacity),
  }
}

/** Copies what `from` holds into `to`, column by column. */
function copyColumns<Columns extends ReadingColumns | MessageColumns>(from: Columns, to: Columns): Columns {
  const { length } = from
  for (const [name, column] of Object.entries(from)) {
    if (typeof column === 'number') continue
    const target = to[name as keyof Columns] as typeof column
    target.set(column.subarray(0, length) as never)
  }
  to.length = length
  return to
}

/** Grows the columns of one group commit, reading by reading, without an object for any of them. */
export class BatchBuilder {
  #readings = readingColumns(firstCapacity)
  #messages = messageColumns(firstCapacity)
  #invalid = new Map<string, InvalidCount>()
  /** By device. */
  #taken: number[] = []
  #arrivedMonotonicMs = 0
  /** Of the message at hand, which is not always the newest: each partition of a hub has its own. */
  #arrivalMs = 0
  readonly #clocks: ClockWatcher | undefined

  constructor(clocks?: ClockWatcher) {
    this.#clocks = clocks
  }

  get readingCount(): number {
    return this.#readings.length
  }

  get messageCount(): number {
    return this.#messages.length
  }

  get empty(): boolean {
    return this.#readings.length === 0 && this.#messages.length === 0 && this.#invalid.size === 0
  }

  /** A message arrived at this monotonic time, ms. */
  arrived(monotonicMs: number): void {
    this.#arrivalMs = monotonicMs
    if (monotonicMs > this.#arrivedMonotonicMs) this.#arrivedMonotonicMs = monotonicMs
  }

  /** Adds a reading without its envelope, which `seal` fills in. Minus zero becomes zero, so that equal values have equal bytes. */
  push(series: number, value: number): void {
    const columns = this.#withRoom(1)
    const at = columns.length
    columns.series[at] = series
    columns.value[at] = value + 0
    columns.length = at + 1
  }

  /** Gives the readings from index `from` on their envelope, and records the message of `device` that held them. */
  seal(from: number, device: number, envelope: Envelope): void {
    const { ts, boot, flags } = envelope
    const seq = envelope.seq + 0
    const readings = this.#readings
    for (let at = from; at < readings.length; at++) {
      readings.ts[at] = ts
      readings.seq[at] = seq
      readings.boot[at] = boot
      readings.flags[at] = flags
    }
    this.#record(device, envelope)
  }

  /** Adds an object whole: its readings and the message of `device`. */
  append(device: number, { slots, values }: SlotValues, envelope: Envelope): void {
    const columns = this.#withRoom(slots.length)
    const { ts, boot, flags } = envelope
    const seq = envelope.seq + 0
    let at = columns.length
    for (let n = 0; n < slots.length; n++) {
      const slot = slots[n]!
      if (slot <= 0) continue
      columns.series[at] = slot
      columns.value[at] = values[n]! + 0
      columns.ts[at] = ts
      columns.seq[at] = seq
      columns.boot[at] = boot
      columns.flags[at] = flags
      at++
    }
    columns.length = at
    this.#record(device, envelope)
  }

  /** Forgets what was added after these counts. */
  rollBack(readingCount: number, messageCount: number): void {
    this.#readings.length = readingCount
    this.#messages.length = messageCount
  }

  /** What a decoder has counted itself as it took a device's message: `accepted` comes from it, not from the columns. */
  took(device: number, count: number): void {
    const taken = this.#taken
    while (taken.length <= device) taken.push(0)
    taken[device]! += count
  }

  setAside(device: number, reason: string, count: number): void {
    const key = `${device} ${reason}`
    const known = this.#invalid.get(key)
    if (known) known.count += count
    else this.#invalid.set(key, { device, reason, count })
  }

  /** Everything since the last call, in columns of its own. */
  take(): ReadingBatch {
    const readings = this.#readings
    const messages = this.#messages
    const batch: ReadingBatch = {
      arrivedMonotonicMs: this.#arrivedMonotonicMs,
      readings: copyColumns(readings, readingColumns(readings.length)),
      messages: copyColumns(messages, messageColumns(messages.length)),
      invalid: [...this.#invalid.values()],
      taken: this.#takeTaken(),
    }
    readings.length = 0
    messages.length = 0
    this.#invalid = new Map()
    return batch
  }

  #takeTaken(): TakenCount[] {
    const counts: TakenCount[] = []
    for (let device = 0; device < this.#taken.length; device++) {
      const count = this.#taken[device]!
      if (count === 0) continue
      counts.push({ device, count })
      this.#taken[device] = 0
    }
    return counts
  }

  #withRoom(count: number): ReadingColumns {
    const { length, series } = this.#readings
    if (length + count > series.length) {
      this.#readings = copyColumns(this.#readings, readingColumns((length + count) * 2))
    }
    return this.#readings
  }

  #record(device: number, envelope: Envelope): void {
    let messages = this.#messages
    const at = messages.length
    if (at === messages.device.length) {
      messages = copyColumns(messages, messageColumns(at * 2))
      this.#messages = messages
    }
    messages.device[at] = device
    messages.ts[at] = envelope.ts
    messages.seq[at] = envelope.seq + 0
    messages.boot[at] = envelope.boot
    messages.flags[at] = envelope.flags
    messages.length = at + 1
    if ((envelope.flags & unstamped) === 0) this.#clocks?.see(device, envelope.ts, this.#arrivalMs)
  }
}
