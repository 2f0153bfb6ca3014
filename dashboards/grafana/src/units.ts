import { type Metric, sensorCatalogue } from '@millrace/contracts'

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

export interface Override {
  matcher: { id: string; options: string }
  properties: { id: string; value: unknown }[]
}

export function override(matcher: 'byName' | 'byRegexp', options: string, values: object): Override {
  const properties = Object.entries(values).map(([id, value]) => ({ id, value: value as unknown }))
  return { matcher: { id: matcher, options }, properties }
}

const escapeRegex = (text: string) => text.replace(/[.\\/-]/g, '\\$&')

/** Colours by value: red outside the plausible range. */
function plausible({ min, max }: Metric, inside: string) {
  const steps = [
    { color: 'red', value: null },
    { color: inside, value: min },
    { color: 'red', value: max },
  ]
  return { mode: 'absolute', steps }
}

/** What the plausible range colours: the background of a chart, the text of a number or a cell, or a bar. */
const marks = {
  chart: { inside: 'transparent', look: { 'custom.thresholdsStyle': { mode: 'area' } } },
  text: { inside: 'text', look: { 'custom.cellOptions': { type: 'color-text' } } },
  bar: { inside: '#2a9d8f', look: {} },
} as const

/**
 * Unit, decimals and plausible range of every metric of the catalogue. Series are found by the first word of their
 * name, so each alias begins with the metric.
 */
export function catalogueOverrides(marked: keyof typeof marks): Override[] {
  const { inside, look } = marks[marked]
  return sensorCatalogue.map((metric) => {
    const own = { unit: unitName(metric.unit), decimals: metric.decimals, thresholds: plausible(metric, inside) }
    return override('byRegexp', `/^${escapeRegex(metric.metric)}( |$)/`, { ...own, ...look })
  })
}

/** Fills the band between the lowest and highest series of every metric of the catalogue. */
export function bandOverrides(): Override[] {
  return sensorCatalogue.map(({ metric }) =>
    override('byName', `${metric} max`, { 'custom.fillBelowTo': `${metric} min` }),
  )
}
