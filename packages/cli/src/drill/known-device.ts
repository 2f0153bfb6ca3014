import { type ApiSummary, drillSite } from '@millrace/contracts'
import type { MqttLink } from '@millrace/transports'
import type { StackApi } from '../verify/api.ts'
import type { TooLate } from '../verify/too-late.ts'

/** What came of the readings of a device that the drill itself was. */
export interface DeviceVerdict {
  acknowledged: number
  missing: number
  doubled: number
  wrongValue: number
  /** Readings that had to be set aside and were. */
  setAside: number
  /** In no row, as they came too late: by name, and by number alone. */
  tooLate: number
  tooLateNotNamed: number
}

export const nothing: DeviceVerdict = {
  ...{ acknowledged: 0, missing: 0, doubled: 0, wrongValue: 0, setAside: 0 },
  ...{ tooLate: 0, tooLateNotNamed: 0 },
}

export function addVerdicts(verdicts: readonly DeviceVerdict[]): DeviceVerdict {
  return verdicts.reduce(
    (sum, verdict) => ({
      acknowledged: sum.acknowledged + verdict.acknowledged,
      missing: sum.missing + verdict.missing,
      doubled: sum.doubled + verdict.doubled,
      wrongValue: sum.wrongValue + verdict.wrongValue,
      setAside: sum.setAside + verdict.setAside,
      tooLate: sum.tooLate + verdict.tooLate,
      tooLateNotNamed: sum.tooLateNotNamed + verdict.tooLateNotNamed,
    }),
    nothing,
  )
}

interface Window {
  /** Acknowledged. */
  count: number
  sum: number
  /** Sent and never acknowledged, or named as too late: they may or may not be there. */
  maybe: number
  named: number
}

/** What the agent tells of a device, beside the stores. */
export interface ToldOfDevice {
  /** So many readings are set aside, but for those that came too late. */
  setAside: number
  tooLate: TooLate
}

/** What one window of the series must hold, against its row. */
function judge({ count, sum, maybe, named }: Window, row: ApiSummary | undefined): DeviceVerdict {
  const found = row?.count ?? 0
  const certain = maybe + named === 0 && found === count && row !== undefined
  return {
    ...nothing,
    missing: Math.max(0, count - found),
    doubled: Math.max(0, found - count - maybe - named),
    tooLate: Math.min(named, Math.max(0, count + named - found)),
    wrongValue: certain && Math.abs(row.sum - sum) > 1e-6 * Math.max(1, Math.abs(sum)) ? 1 : 0,
  }
}

export const metric = 'beat'
const minuteMs = 60_000
let devices = 0

/**
 * A device of the drill's own, that remembers every reading the agent has acknowledged: what the recount of the fleet
 * cannot know. Nobody else may have its name.
 */
export class KnownDevice {
  readonly device: string
  readonly #link: MqttLink
  readonly boot = `${process.pid}-${devices++}-${Date.now().toString(36)}`
  /** Event time by value: of what must be stored, and of what was not acknowledged yet. */
  readonly #stored = new Map<number, number>()
  readonly #maybe = new Map<number, number>()
  #sent = 0
  #mustSetAside = 0

  constructor(link: MqttLink, device: string) {
    this.#link = link
    this.device = device
  }

  /** Resolves when the reading is acknowledged, with its value. */
  async send(tsMs: number, fate: 'stored' | 'set-aside' = 'stored'): Promise<number> {
    const value = ++this.#sent
    if (fate === 'stored') this.#maybe.set(value, tsMs)
    const body = { ts: tsMs, seq: value, boot: this.boot, readings: { [metric]: value } }
    await this.#publish(Buffer.from(JSON.stringify(body)))
    this.#maybe.delete(value)
    if (fate === 'stored') this.#stored.set(value, tsMs)
    else this.#mustSetAside++
    return value
  }

  /** Bytes that nobody can read, and that must be set aside as one reading. Resolves when they are acknowledged. */
  async sendNoise(body: Uint8Array): Promise<void> {
    await this.#publish(body)
    this.#mustSetAside++
  }

  async #publish(body: Uint8Array): Promise<void> {
    await this.#link.publish({ topic: `telemetry/${drillSite}/${this.device}`, body, qos: 1 })
  }

  /** How many were sent, acknowledged or not; the value of the newest. */
  get sent(): number {
    return this.#sent
  }

  /** Acknowledged, and to be stored. */
  get stored(): number {
    return this.#stored.size
  }

  get acknowledged(): number {
    return this.#stored.size + this.#mustSetAside
  }

  /** Holds what is stored against what was acknowledged. */
  async recount(api: StackApi, { setAside, tooLate }: ToldOfDevice): Promise<DeviceVerdict> {
    const { rows } =
      this.#stored.size === 0 ? { rows: [] } : await api.rows({ site: drillSite, device: this.device, metric }, '1m')
    const lengthMs = rows[0]?.lengthMs ?? minuteMs
    const judged = [...this.#expected(rows, lengthMs, tooLate)].map(([start, window]) => {
      const row = rows.find((one) => one.start === start)
      return { endMs: start + lengthMs, verdict: judge(window, row) }
    })
    const totals = addVerdicts(judged.map(({ verdict }) => verdict))
    const givenUp = judged.filter(({ endMs }) => endMs <= tooLate.untilMs)
    const maybeTooLate = givenUp.reduce((sum, { verdict }) => sum + verdict.missing, 0)
    const tooLateNotNamed = Math.min(tooLate.unnamed, maybeTooLate)
    const vanished = Math.max(0, this.#mustSetAside - setAside)
    return {
      ...totals,
      acknowledged: this.acknowledged,
      missing: totals.missing - tooLateNotNamed + vanished,
      tooLateNotNamed,
      setAside: Math.min(setAside, this.#mustSetAside),
    }
  }

  /** By the start of their window; also of windows that are stored and should hold nothing. */
  #expected(rows: readonly ApiSummary[], lengthMs: number, { named }: TooLate): Map<number, Window> {
    const late = new Set(named.flatMap(({ boot, seq }) => (boot === this.boot ? (seq ?? []) : [])))
    const windows = new Map<number, Window>()
    const windowAt = (start: number) => {
      const window = windows.get(start) ?? { count: 0, sum: 0, maybe: 0, named: 0 }
      windows.set(start, window)
      return window
    }
    for (const { start } of rows) windowAt(start)
    for (const [value, tsMs] of this.#stored) {
      const window = windowAt(Math.floor(tsMs / lengthMs) * lengthMs)
      if (late.has(value)) window.named++
      else {
        window.count++
        window.sum += value
      }
    }
    for (const tsMs of this.#maybe.values()) windowAt(Math.floor(tsMs / lengthMs) * lengthMs).maybe++
    return windows
  }
}
