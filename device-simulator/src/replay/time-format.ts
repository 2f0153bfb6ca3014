import { createZone } from './zone.ts'

type TimeParser = (text: string) => number | undefined

interface Field {
  name: string
  pattern: string
}

/** Letters of a pattern, longest first. */
const fields: Record<string, Field> = {
  yyyy: { name: 'year', pattern: '\\d{4}' },
  yy: { name: 'shortYear', pattern: '\\d{2}' },
  MM: { name: 'month', pattern: '\\d{2}' },
  M: { name: 'month', pattern: '\\d{1,2}' },
  dd: { name: 'day', pattern: '\\d{2}' },
  d: { name: 'day', pattern: '\\d{1,2}' },
  HH: { name: 'hour', pattern: '\\d{2}' },
  H: { name: 'hour', pattern: '\\d{1,2}' },
  hh: { name: 'hour12', pattern: '\\d{2}' },
  h: { name: 'hour12', pattern: '\\d{1,2}' },
  mm: { name: 'minute', pattern: '\\d{2}' },
  m: { name: 'minute', pattern: '\\d{1,2}' },
  ss: { name: 'second', pattern: '\\d{2}' },
  s: { name: 'second', pattern: '\\d{1,2}' },
  SSS: { name: 'milli', pattern: '\\d{3}' },
  a: { name: 'half', pattern: '[AaPp][Mm]' },
  XXX: { name: 'offset', pattern: 'Z|[+-]\\d{2}:?\\d{2}' },
}

/** A run of one letter, a quoted text, or one other character. */
const piece = /'[^']*'|([A-Za-z])\1*|[^A-Za-z']/g
const named = ['epoch-s', 'epoch-ms', 'iso']
const isoText =
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[T ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?)?(?<offset>Z|[+-]\d{2}:?\d{2})?$/

/** Undefined for a good format: a named one, or a pattern of at least year, month and day. */
export function formatProblem(format: string): string | undefined {
  if (named.includes(format)) return undefined
  const letters = (format.match(piece) ?? []).filter((text) => /^[A-Za-z]/.test(text))
  const unknown = letters.filter((text) => !Object.hasOwn(fields, text))
  if (unknown.length > 0) return `${unknown.join(', ')} in it is not one of ${Object.keys(fields).join(' ')}`
  const has = (...names: string[]) => letters.some((text) => names.includes(fields[text]!.name))
  return has('year', 'shortYear') && has('month') && has('day') ? undefined : 'it names no year, month and day'
}

/** Reads times of one format, epoch ms; undefined where the text is none. `zone` is for texts without an offset. */
export function createTimeParser({ format, zone }: { format: string; zone: string }): TimeParser {
  if (format === 'epoch-ms') return (text) => epoch(text, 1)
  if (format === 'epoch-s') return (text) => epoch(text, 1000)
  const toUtc = createZone(zone)
  const pattern = format === 'iso' ? isoText : patternOf(format)
  return (text) => {
    const groups: Groups | undefined = pattern.exec(text.trim())?.groups
    if (!groups) return undefined
    const localMs = localOf(groups)
    if (localMs === undefined) return undefined
    return groups.offset === undefined ? toUtc(localMs) : localMs - offsetMs(groups.offset)
  }
}

function epoch(text: string, msPerUnit: number): number | undefined {
  return /^\s*-?\d+(\.\d+)?\s*$/.test(text) ? Math.round(Number(text) * msPerUnit) : undefined
}

function patternOf(format: string): RegExp {
  const parts = (format.match(piece) ?? []).map((text) => {
    const field = fields[text]
    if (field) return `(?<${field.name}>${field.pattern})`
    const literal = text.startsWith("'") ? text.slice(1, -1) : text
    return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}

type Groups = Record<string, string | undefined>

/** The time as if it were UTC; undefined for a 30 February or a 25 o'clock. */
function localOf(groups: Groups): number | undefined {
  const part = (name: string, missing: number) => (groups[name] === undefined ? missing : Number(groups[name]))
  const year = groups.shortYear === undefined ? part('year', 0) : 2000 + Number(groups.shortYear)
  const [month, day, hour] = [part('month', 1), part('day', 1), hourOf(groups)]
  const [minute, second] = [part('minute', 0), part('second', 0)]
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const ms = Date.UTC(year, month - 1, day, hour, minute, second) + milliOf(groups)
  const date = new Date(ms)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? ms : undefined
}

function milliOf({ milli, fraction }: Groups): number {
  return fraction === undefined ? Number(milli ?? 0) : Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6)
}

function hourOf({ hour, hour12, half }: Groups): number {
  if (hour12 === undefined) return Number(hour ?? 0)
  const twelve = Number(hour12)
  if (twelve < 1 || twelve > 12) return Number.POSITIVE_INFINITY
  return (twelve % 12) + (half?.toLowerCase() === 'pm' ? 12 : 0)
}

function offsetMs(offset: string): number {
  if (offset === 'Z') return 0
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2))
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000
}
