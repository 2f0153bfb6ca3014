const pattern = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?$/
const quarterMs = 15 * 60_000
const dayMs = 24 * 60 * 60_000

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

/** The clock of a zone, written as if it were UTC, for an instant in epoch ms. */
function clockIn(format: Intl.DateTimeFormat, ms: number): number {
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  const { year, month, day, hour, minute, second } = parts
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000)
}

/** Reads local times of one zone. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat
  #last: { quarter: number; offsets: readonly number[] } | undefined

  constructor(zone: string) {
    const part = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const
    this.#format = new Intl.DateTimeFormat('en-US', { ...part, timeZone: zone, hourCycle: 'h23', calendar: 'gregory' })
  }

  /** Epoch ms; `ambiguous` where the clock shows this time twice, undefined where it never does or the text is no time. */
  read(text: string): number | 'ambiguous' | undefined {
    const found = pattern.exec(text)
    if (!found) return undefined
    const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number)
    const shown = Date.UTC(year!, month! - 1, day, hour, minute, second) + Number((found[7] ?? '').padEnd(3, '0'))
    if (!new Date(shown).toISOString().startsWith(text.slice(0, 19).replace(' ', 'T'))) return undefined
    const [offset, ...others] = this.#offsetsAt(shown)
    if (others.length > 0) return 'ambiguous'
    return offset === undefined ? undefined : shown - offset
  }

  /** Every offset at which the zone shows this clock. Zones move their clocks at quarters of an hour. */
  #offsetsAt(shown: number): readonly number[] {
    const quarter = Math.floor(shown / quarterMs)
    if (this.#last?.quarter !== quarter) this.#last = { quarter, offsets: this.#findOffsets(shown) }
    return this.#last.offsets
  }

  /** Zones lie up to 14 hours off, and none moves its clock twice within a day. */
  #findOffsets(shown: number): readonly number[] {
    const around = [-dayMs, dayMs].map((ms) => clockIn(this.#format, shown + ms) - shown - ms)
    return [...new Set(around)].filter((offset) => clockIn(this.#format, shown - offset) === shown)
  }
}
