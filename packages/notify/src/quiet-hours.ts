import { type Severity, severities } from '@millrace/contracts'
import type { QuietSettings } from './settings.ts'

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  formats.set(zone, made)
  return made
}

function localTime(zone: string, atMs: number): { day: string; time: string } {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  )
  return { day: parts.get('weekday')!.toLowerCase(), time: `${parts.get('hour')}:${parts.get('minute')}` }
}

const week = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const dayBefore = (day: string): string => week[(week.indexOf(day) + 6) % 7]!

function holds({ from, to, zone, days }: QuietSettings, atMs: number): boolean {
  const { day, time } = localTime(zone, atMs)
  const overMidnight = to <= from
  const inside = overMidnight ? time >= from || time < to : time >= from && time < to
  if (!inside || !days) return inside
  const began = overMidnight && time < to ? dayBefore(day) : day
  return days.some((one) => one === began)
}

/** The severity from which alerts are told in spite of quiet hours; null outside of them. */
export function quietBelow(hours: readonly QuietSettings[], atMs: number): Severity | null {
  const ranks = hours.filter((one) => holds(one, atMs)).map(({ below }) => severities.indexOf(below))
  return ranks.length === 0 ? null : severities[Math.max(...ranks)]!
}
