import type { SeriesName } from '@millrace/contracts'
import { MillraceError } from '@millrace/pipeline'
import { SeriesReadings } from './series-readings.ts'

/** One object that a device sent, as `millrace simulate --recount` prints it. */
export interface RecountLine {
  site: string
  device: string
  /** Event time, epoch ms; null where the object carried none and the agent stamped it on arrival. */
  ts: number | null
  seq?: number
  boot?: string
  /** The good values; those under `setAside` are not among them. */
  readings: Record<string, number>
  acked: boolean
  /** How often the object was acknowledged; 2 or more where it was doubled. */
  copies: number
  /** Objects of one message share it: they were taken all or none. */
  msg?: number
  /** Reason by metric; `*` where the bytes cannot be decoded and count as one reading. */
  setAside?: Record<string, string>
}

/** What one device was promised beyond its series. */
export interface DevicePromise {
  /** Acknowledged readings that must be set aside, by reason, every copy counted. */
  setAside: Map<string, number>
  /** Set-aside readings that were sent but not acknowledged: they may or may not be counted. */
  maybeSetAside: Map<string, number>
}

/** What was sent and acknowledged, by series. */
export interface Ledger {
  series: Map<string, SeriesReadings>
  devices: Map<string, DevicePromise>
  /** Names of boots; a reading holds the index. */
  boots: string[]
  runs: number
  /** False where part of the ledger cannot be told again, such as a fleet that was changed. */
  reproducible: boolean
  /** Messages were sent again, or it is not known; then the agent may have counted some more than once. */
  repeats: boolean
  /** Acknowledged readings, set-aside ones included, each once. */
  sent: number
}

export const deviceKey = ({ site, device }: { site: string; device: string }) => `${site}/${device}`
export const seriesKey = ({ site, device, metric }: SeriesName) => `${site}/${device}/${metric}`

type EndLine = { end: true; runs?: number; reproducible?: boolean; repeats?: number }

function wrongLine(line: string): MillraceError {
  return new MillraceError('check-failed', `the recount has a line that is none: ${line.slice(0, 200)}`)
}

function parseLine(line: string): RecountLine | EndLine {
  try {
    const value = JSON.parse(line) as RecountLine | EndLine
    const known = 'end' in value || (typeof value.site === 'string' && typeof value.readings === 'object')
    if (known) return value
  } catch {
    throw wrongLine(line)
  }
  throw wrongLine(line)
}

function promiseOf(ledger: Ledger, line: RecountLine): DevicePromise {
  const key = deviceKey(line)
  const found = ledger.devices.get(key)
  if (found) return found
  const made = { setAside: new Map(), maybeSetAside: new Map() }
  ledger.devices.set(key, made)
  return made
}

function readingsOf(ledger: Ledger, name: SeriesName): SeriesReadings {
  const key = seriesKey(name)
  const found = ledger.series.get(key)
  if (found) return found
  const made = new SeriesReadings(name)
  ledger.series.set(key, made)
  return made
}

function noteSetAside(promise: DevicePromise, line: RecountLine): number {
  const counts = line.acked ? promise.setAside : promise.maybeSetAside
  const reasons = Object.values(line.setAside ?? {})
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + Math.max(1, line.copies))
  return reasons.length
}

class LedgerReader {
  readonly ledger: Ledger = {
    series: new Map(),
    devices: new Map(),
    boots: [],
    runs: 0,
    reproducible: true,
    repeats: true,
    sent: 0,
  }
  readonly #bootIds = new Map<string, number>()
  #lines = 0
  ended = false

  take(line: string): void {
    const value = parseLine(line)
    if ('end' in value) {
      this.ended = true
      this.ledger.runs = value.runs ?? 0
      this.ledger.reproducible = value.reproducible ?? true
      this.ledger.repeats = value.repeats !== 0
    } else this.#object(value)
  }

  #object(line: RecountLine): void {
    this.#lines++
    const { site, device, ts, seq, acked, copies } = line
    const setAside = noteSetAside(promiseOf(this.ledger, line), line)
    const metrics = Object.keys(line.readings)
    if (acked) this.ledger.sent += metrics.length + setAside
    // Negative ids cannot meet the recount's own, so an object without one is a message of its own.
    const pending = acked ? 0 : (line.msg ?? -this.#lines) || -this.#lines
    const reading = { ts, seq: seq ?? Number.NaN, boot: this.#bootId(line.boot), pending, copies }
    for (const metric of metrics) {
      readingsOf(this.ledger, { site, device, metric }).add({ ...reading, value: line.readings[metric]! })
    }
  }

  #bootId(name: string | undefined): number {
    if (name === undefined) return -1
    const known = this.#bootIds.get(name)
    if (known !== undefined) return known
    this.#bootIds.set(name, this.ledger.boots.length)
    return this.ledger.boots.push(name) - 1
  }
}

/** Reads a recount to its end; one that breaks off is an error, as it would demand too little. */
export async function readLedger(lines: AsyncIterable<string>): Promise<Ledger> {
  const reader = new LedgerReader()
  for await (const line of lines) {
    if (line.trim() !== '') reader.take(line)
  }
  if (!reader.ended) throw new MillraceError('check-failed', 'the recount broke off before its end')
  return reader.ledger
}
