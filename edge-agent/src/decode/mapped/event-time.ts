import { timeSchema } from '@millrace/contracts'
import { LocalTime } from './local-time.ts'
import { valueAt } from './pointer-pattern.ts'
import type { TimeSettings } from './settings.ts'

/** Epoch ms; `arrival` where the message tells no time of its own; undefined where what it tells is no time. */
export type EventTime = number | 'arrival' | undefined

const number = (value: unknown) => (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value)

function inRange(value: unknown): number | undefined {
  const parsed = timeSchema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

function fromMs(value: unknown, factor: number): number | undefined {
  const ms = number(value)
  // Text with a zone is always in range of what timeSchema reads, a number would be guessed at.
  if (typeof ms !== 'number' || !Number.isFinite(ms) || Math.abs(ms * factor) > 8.64e15) return undefined
  return inRange(new Date(Math.round(ms * factor)).toISOString())
}

function localReader(zone: string): (value: unknown) => EventTime {
  const local = new LocalTime(zone)
  return (value) => {
    const ms = typeof value === 'string' ? local.read(value) : undefined
    if (ms === 'ambiguous') return 'arrival'
    return ms === undefined ? undefined : inRange(new Date(ms).toISOString())
  }
}

const readers = {
  auto: () => (value: unknown) => inRange(number(value)),
  iso: () => (value: unknown) => (typeof value === 'string' ? inRange(value) : undefined),
  s: () => (value: unknown) => fromMs(value, 1000),
  ms: () => (value: unknown) => fromMs(value, 1),
  local: ({ zone }: TimeSettings) => localReader(zone ?? 'UTC'),
} as const

/** Reads the time of a document where the settings say; a member that is absent or null tells none. */
export function timeReader(settings: TimeSettings | undefined): (document: unknown) => EventTime {
  if (settings === undefined) return () => 'arrival'
  const read: (value: unknown) => EventTime = readers[settings.format](settings)
  return (document) => {
    const value = valueAt(document, settings.at)
    if (value === undefined || value === null) return 'arrival'
    return read(value) ?? (settings.otherwise === 'arrival' ? 'arrival' : undefined)
  }
}
