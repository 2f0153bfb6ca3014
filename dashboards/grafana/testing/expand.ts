import type { DashboardFile } from '../src/dashboards.ts'

const all = '$__all'

export interface View {
  /** What is chosen for each variable; `$__all` for All. */
  choices: Readonly<Record<string, string>>
  fromMs: number
  toMs: number
}

interface Variable {
  name: string
  query: unknown
  allValue?: string
}

export interface DashboardJson {
  uid: string
  templating: { list: Variable[] }
  annotations: { list: { name: string; target: PanelTarget }[] }
  panels: PanelJson[]
}

export interface PanelTarget {
  refId: string
  query: string
  resultFormat: string
}

export interface PanelJson {
  id: number
  type: string
  title: string
  description?: string
  interval?: string
  maxDataPoints?: number
  timeFrom?: string
  repeat?: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: PanelTarget[]
}

export const jsonOf = ({ json }: DashboardFile) => JSON.parse(json) as DashboardJson

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export function durationMs(text: string): number {
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  const unitMs = units[unit ?? '']
  if (unitMs === undefined) throw new Error(`no duration: ${text}`)
  return Number(amount) * unitMs
}

/** Points a panel asks for where it does not say: about one for each of its pixels. */
const defaultMaxPoints = 1_000

/** As Grafana does it, but for the rounding: the range in points, not below the panel's minimum. */
export function intervalText(
  { interval = '1m', maxDataPoints = defaultMaxPoints }: Partial<PanelJson>,
  spanMs: number,
): string {
  return `${Math.max(durationMs(interval), Math.ceil(spanMs / maxDataPoints / 1000) * 1000)}ms`
}

/** The characters that Grafana's format `regex` escapes. */
const escapeRegex = (text: string) => text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&')

/** Puts values in place of variables and macros as Grafana does; one that nobody declared is an error. */
export function expand(text: string, page: DashboardJson, view: View & { interval: string }): string {
  const chosenValue = (name: string, format: string): string => {
    if (name === '__to') return String(view.toMs)
    const declared = page.templating.list.find((variable) => variable.name === name)
    const value = view.choices[name]
    if (!declared || value === undefined) throw new Error(`${page.uid}: no variable ${name} in ${text}`)
    if (value === all) {
      if (declared.allValue === undefined) throw new Error(`${page.uid}: ${name} has no All`)
      return declared.allValue
    }
    return format === 'regex' ? escapeRegex(value) : value
  }
  const expanded = text
    .replace(/\$\{(\w+)(?::(\w+))?\}/g, (_, name: string, format = '') => chosenValue(name, format))
    .replaceAll('$timeFilter', `time >= ${view.fromMs}ms and time <= ${view.toMs}ms`)
    .replaceAll('$__interval', view.interval)
  if (/\$\w/.test(expanded.replaceAll(/\/\^.*?\$\//g, ''))) throw new Error(`${page.uid}: left over in ${expanded}`)
  return expanded
}
