import type { ReportRecord } from '../checkpoint.ts'

interface Terms {
  accepted: number
  open: number
}

/** What the cloud was told of each device: readings sent, and the terms as last reported. */
export class Reports {
  readonly #byDevice = new Map<number, ReportRecord>()
  readonly #touched = new Set<number>()
  readonly #changed = new Set<number>()
  readonly #reportedMs = new Map<number, number>()
  readonly #monotonic: () => number

  /** Real time unless a time is passed in. */
  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic
  }

  restore(records: readonly ReportRecord[]): void {
    for (const record of records) this.#byDevice.set(record.device, { ...record })
  }

  sent(device: number): number {
    return this.#byDevice.get(device)?.sent ?? 0
  }

  /** Adds to the running total and returns it. */
  addSent(device: number, readings: number): number {
    if (readings === 0) return this.sent(device)
    const record = this.#record(device)
    record.sent += readings
    this.#touched.add(device)
    return record.sent
  }

  /** Terms of these devices moved without a reading: the cloud is to hear of it. */
  changed(devices: readonly { device: number }[]): void {
    for (const { device } of devices) this.#changed.add(device)
  }

  /** True where the terms moved since they were last reported, and that was at least `quietMs` ago. */
  isDue(device: number, { accepted, open }: Terms, quietMs: number): boolean {
    const record = this.#byDevice.get(device)
    const same = (record?.accepted ?? 0) === accepted && (record?.open ?? 0) === open
    if (same && !this.#changed.has(device)) return false
    return this.#monotonic() - (this.#reportedMs.get(device) ?? Number.NEGATIVE_INFINITY) >= quietMs
  }

  reported(device: number, { accepted, open }: Terms): void {
    Object.assign(this.#record(device), { accepted, open })
    this.#reportedMs.set(device, this.#monotonic())
    this.#changed.delete(device)
    this.#touched.add(device)
  }

  takeTouched(): ReportRecord[] {
    const records = [...this.#touched].map((device) => ({ ...this.#record(device) }))
    this.#touched.clear()
    return records
  }

  #record(device: number): ReportRecord {
    const known = this.#byDevice.get(device)
    if (known) return known
    const made = { device, sent: 0, accepted: 0, open: 0 }
    this.#byDevice.set(device, made)
    return made
  }
}
