import { sensorCatalogue } from '@millrace/contracts'

/** Grafana's names of the catalogue's units; a unit without one is shown as it is. */
const names: Readonly<Record<string, string>> = {
  '°C': 'celsius',
  '%': 'percent',
  hPa: 'pressurehpa',
  ppm: 'ppm',
  lx: 'lux',
  W: 'watt',
  Wh: 'watth',
  V: 'volt',
  s: 's',
  '': 'none',
}

export function unitName(unit: string): string {
  return names[unit] ?? `suffix: ${unit}`
}

interface Override {
  matcher: { id: string; options: string }
  properties: { id: string; value: unknown }[]
}

const escapeRegex = (text: string) => text.replace(/[.\\/-]/g, '\\$&')

/** Unit and decimals of every metric of the catalogue, found by the first word of the series' name. */
export function unitOverrides(): Override[] {
  return sensorCatalogue.map(({ metric, unit, decimals }) => ({
    matcher: { id: 'byRegexp', options: `/^${escapeRegex(metric)}( |$)/` },
    properties: [
      { id: 'unit', value: unitName(unit) },
      { id: 'decimals', value: decimals },
    ],
  }))
}

/** Fills the band between the lowest and highest series of every metric of the catalogue. */
export function bandOverrides(): Override[] {
  return sensorCatalogue.map(({ metric }) => ({
    matcher: { id: 'byName', options: `${metric} max` },
    properties: [{ id: 'custom.fillBelowTo', value: `${metric} min` }],
  }))
}

/** Looks of the series by the last word of their name. */
export function lookOverrides(looks: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Override[] {
  return Object.entries(looks).map(([name, properties]) => ({
    matcher: { id: 'byRegexp', options: `/ ${name}$/` },
    properties: Object.entries(properties).map(([id, value]) => ({ id, value })),
  }))
}
