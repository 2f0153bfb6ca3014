const pattern = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,3})\d*)?$/
const hourMs = 3_600_000

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
    // Zones lie up to 14 hours off, and none moves its clock twice within a day.
    const offsets = new Set(
      [-24, 24].map((hours) => clockIn(this.#format, shown + hours * hourMs) - shown - hours * hourMs),
    )
    const instants = [...offsets].map((offset) => shown - offset).filter((ms) => clockIn(this.#format, ms) === shown)
    return instants.length > 1 ? 'ambiguous' : instants[0]
  }
}
