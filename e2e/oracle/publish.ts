import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Device } from './device.ts'
import { watchFarEnd } from './far-end.ts'
import { Ledger, noteFreshness, type Published } from './ledger.ts'

export interface PublishFlags {
  url: string
  folder: string
  /** HTTP of the ingest, to see how fresh what it shows is; without it that is not told. */
  ingest: string | undefined
  site: string
  devices: number
  rateHz: number
  speed: number
  beginMs: number
  windowMs: number
  late: number
  doubled: number
  shuffled: number
  seed: number
  say(event: object): void
}

const tickMs = 10
const progressMs = 500
const pauseMs = 40
const tellEveryMs = 100
const freshWithinMs = 60_000
const drainWithinMs = 120_000

/** mulberry32: the same readings for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null
}

class Publishing {
  readonly #flags: PublishFlags
  readonly #ledger: Ledger
  readonly #devices: Device[]
  readonly #watching = new AbortController()
  /** When each reading of the last minutes was minted, by device and event time. */
  readonly #minted = new Map<string, number>()
  readonly #ages: number[] = []
  #notes: string[] = []
  #calmAtMs: number | undefined
  #freshAfterMs: number | null = null

  constructor(flags: PublishFlags) {
    const names = Array.from({ length: flags.devices }, (_, index) => `o${index + 1}`)
    this.#flags = flags
    this.#ledger = new Ledger(flags.folder, { site: flags.site, devices: names, windowMs: flags.windowMs })
    let id = 0
    const own = { ledger: this.#ledger, events: { acknowledged: () => this.#acknowledged() }, nextId: () => id++ }
    this.#devices = names.map((device, index) => {
      return new Device({ ...flags, device, random: randomOf(flags.seed * 1000 + index) }, own)
    })
  }

  async run(): Promise<void> {
    const { ingest, site } = this.#flags
    const watching = ingest
      ? watchFarEnd({ url: ingest, site, signal: this.#watching.signal }, (reading) => this.#seen(reading))
      : Promise.resolve()
    const ticking = setInterval(() => this.#tick(), tickMs)
    const telling = setInterval(() => this.#progress(), progressMs)
    if (!(await this.#told())) return
    await this.#finish()
    clearInterval(ticking)
    clearInterval(telling)
    this.#watching.abort()
    await watching
    for (const device of this.#devices) device.close()
    this.#progress()
    const published = this.#published()
    this.#ledger.close(published)
    this.#flags.say({ event: 'finished', ...published })
  }

  /** Does what standard input says: `calm` when the last fault is over, then `finish`. False where whoever ran this is gone. */
  async #told(): Promise<boolean> {
    for await (const line of createInterface({ input: process.stdin })) {
      if (line === 'calm') this.#calmAtMs = performance.now()
      if (line === 'finish') return true
    }
    return false
  }

  async #finish(): Promise<void> {
    const deadline = performance.now() + freshWithinMs
    const waits = () => this.#flags.ingest !== undefined && this.#calmAtMs !== undefined && this.#freshAfterMs === null
    while (waits() && performance.now() < deadline) await delay(20)
    for (const device of this.#devices) device.stopMinting()
    const drained = performance.now() + drainWithinMs
    while (this.#devices.some(({ behind }) => behind > 0) && performance.now() < drained) await delay(20)
  }

  #tick(): void {
    const nowMs = performance.now()
    for (const device of this.#devices) {
      for (const { device: name, readings } of device.tick(nowMs)) {
        for (const { ts } of readings) this.#minted.set(`${name}/${ts}`, nowMs)
      }
    }
  }

  #lastAckMs = 0
  #toldMs = 0
  /** Tells at once when acknowledgements begin again after a pause, as an agent has just recovered; else now and then. */
  #acknowledged(): void {
    const nowMs = performance.now()
    if (nowMs - this.#lastAckMs > pauseMs || nowMs - this.#toldMs > tellEveryMs) {
      this.#flags.say({ event: 'acking', atMs: Date.now() })
      this.#toldMs = nowMs
    }
    this.#lastAckMs = nowMs
  }

  #seen({ device, ts }: { device: string; ts: number }): void {
    const mintedMs = this.#minted.get(`${device}/${ts}`)
    if (mintedMs === undefined) return
    const nowMs = performance.now()
    const ageMs = Math.round(nowMs - mintedMs)
    // Two metrics of a reading are seen at once: its age counts once.
    this.#minted.delete(`${device}/${ts}`)
    this.#ages.push(ageMs)
    this.#notes.push(`[${Date.now()},${ageMs}]`)
    if (this.#calmAtMs !== undefined && mintedMs >= this.#calmAtMs)
      this.#freshAfterMs ??= Math.round(nowMs - this.#calmAtMs)
  }

  #progress(): void {
    noteFreshness(this.#flags.folder, this.#notes)
    this.#notes = []
    const old = performance.now() - 600_000
    for (const [key, mintedMs] of this.#minted) {
      if (mintedMs > old) break
      this.#minted.delete(key)
    }
    this.#flags.say({ event: 'progress', ...this.#counts(), behind: this.#sum(({ behind }) => behind) })
  }

  #sum(of: (device: Device) => number): number {
    return this.#devices.reduce((sum, device) => sum + of(device), 0)
  }

  #counts() {
    const sum = (name: keyof Device['counts']) => this.#sum(({ counts }) => counts[name])
    return {
      ...{ issued: sum('issued'), acked: sum('acked'), acks: sum('acks'), repeats: sum('repeats') },
      ...{ doubled: sum('doubled'), late: sum('late'), shuffled: sum('shuffled') },
    }
  }

  #published(): Published {
    const ages = this.#ages.toSorted((a, b) => a - b)
    return {
      ...this.#counts(),
      pending: this.#sum(({ pending }) => pending),
      boots: this.#sum(({ boots }) => boots),
      freshAfterMs: this.#freshAfterMs,
      freshness: { count: ages.length, p50: quantile(ages, 0.5), p99: quantile(ages, 0.99), max: ages.at(-1) ?? null },
    }
  }
}

/** Publishes until standard input says `finish`, then until everything is acknowledged. */
export async function publish(flags: PublishFlags): Promise<void> {
  await new Publishing(flags).run()
}
