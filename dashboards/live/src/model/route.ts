import { type Range, readRange, writeRange } from './range.ts'
import { hourMs } from './step.ts'

export type Route =
  | { view: 'fleet' }
  | { view: 'accounts' }
  | { view: 'device'; site: string; device: string; range: Range }

export const defaultRange: Range = { kind: 'follow', spanMs: 6 * hourMs }

function decode(part: string | undefined): string | undefined {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** Reads the part of the address after `#`; whatever is unknown shows the fleet. */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [view, rawSite, rawDevice] = path.split('/')
  if (view === 'accounts') return { view: 'accounts' }
  const site = decode(rawSite)
  const device = decode(rawDevice)
  if (view !== 'device' || !site || !device) return { view: 'fleet' }
  const range = readRange(new URLSearchParams(query).get('range') ?? '') ?? defaultRange
  return { view: 'device', site, device, range }
}

export function writeRoute(route: Route): string {
  if (route.view === 'fleet') return '#/'
  if (route.view === 'accounts') return '#/accounts'
  const path = `#/device/${encodeURIComponent(route.site)}/${encodeURIComponent(route.device)}`
  return `${path}?range=${writeRange(route.range)}`
}
