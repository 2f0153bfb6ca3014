import { type Range, readRange, writeRange } from './range.ts'
import { hourMs } from './step.ts'

/** What the address names after `#`: `#/view/part/part?name=value`. Which views there are stands in `views.ts`. */
export interface Route {
  view: string
  parts: readonly string[]
  query: Readonly<Record<string, string>>
}

export interface DevicePlace {
  site: string
  device: string
  range: Range
}

export const defaultRange: Range = { kind: 'follow', spanMs: 6 * hourMs }

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** An address without a view, or with broken escapes, is the one of the first view. */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [view, ...parts] = path.split('/').filter(Boolean).map(decode)
  if (view === undefined || parts.includes(undefined)) return { view: '', parts: [], query: {} }
  return { view, parts: parts as string[], query: Object.fromEntries(new URLSearchParams(query)) }
}

export function writeRoute({ view, parts, query }: Route): string {
  const path = [view, ...parts].filter(Boolean).map(encodeURIComponent).join('/')
  const text = new URLSearchParams(query).toString()
  return `#/${path}${text === '' ? '' : `?${text}`}`
}

/** The place of a view without parts. */
export function routeTo(view: string, query: Route['query'] = {}): Route {
  return { view, parts: [], query }
}

export function deviceRoute({ site, device, range }: DevicePlace): Route {
  return { view: 'device', parts: [site, device], query: { range: writeRange(range) } }
}

/** Undefined where the address does not name a device. */
export function devicePlace({ parts: [site, device], query }: Route): DevicePlace | undefined {
  if (!site || !device) return undefined
  return { site, device, range: readRange(query.range ?? '') ?? defaultRange }
}
