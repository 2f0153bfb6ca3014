import { isName, type SeriesName } from '@millrace/contracts'
import { type Problem, UsageError } from '@millrace/pipeline'

/** A series and a moment in the window that is asked about. */
export interface Asked {
  series: SeriesName
  /** Epoch ms. */
  moment: number
}

const dayMs = 86_400_000
const hourAndMinute = /^([01]?\d|2[0-3]):([0-5]\d)$/

/** Epoch ms, ISO 8601 (UTC where no zone is given), or `HH:MM` of today, UTC; undefined where it is none of them. */
export function momentOf(text: string, nowMs: number): number | undefined {
  if (/^\d{9,15}$/.test(text)) return Number(text)
  const clock = hourAndMinute.exec(text)
  if (clock) return Math.floor(nowMs / dayMs) * dayMs + (Number(clock[1]) * 60 + Number(clock[2])) * 60_000
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(text)) return undefined
  const iso = text.replace(' ', 'T')
  const parsed = Date.parse(/T/.test(iso) && !/(Z|[+-]\d{2}:\d{2})$/.test(iso) ? `${iso}Z` : iso)
  return Number.isNaN(parsed) ? undefined : parsed
}

/** Throws a UsageError with everything that is wrong. */
export function readAsked(series: string, minute: string, nowMs: number): Asked {
  const [site, device, metric, ...more] = series.split('/')
  const problems: Problem[] = []
  const named = [site, device, metric].every((name) => name !== undefined && isName(name))
  if (!named || more.length > 0)
    problems.push({ path: 'SERIES', found: series, expected: 'site/device/metric, such as local/hall-1/temperature' })
  const moment = momentOf(minute, nowMs)
  if (moment === undefined)
    problems.push({
      path: 'MINUTE',
      found: minute,
      expected: 'HH:MM of today UTC, ISO 8601 such as 2026-11-20T14:05Z, or epoch ms',
    })
  if (moment === undefined || problems.length > 0) throw new UsageError('explain cannot run like this', problems)
  return { series: { site: site!, device: device!, metric: metric! }, moment }
}

/** The most alike of the known names, best first. */
export function nearest(name: string, known: readonly string[], limit = 3): string[] {
  const scored = known.map((one) => ({ one, distance: editDistance(name, one) }))
  scored.sort((a, b) => a.distance - b.distance || (a.one < b.one ? -1 : 1))
  return scored
    .filter(({ distance }) => distance <= Math.max(3, name.length / 2))
    .slice(0, limit)
    .map(({ one }) => one)
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1])))
    }
    row = next
  }
  return row.at(-1)!
}
