import { findMetric } from '@millrace/contracts'
import { durationText } from '../definition/duration.ts'
import { hashOf } from '../definition/hash.ts'
import type { RuleDefinition } from '../definition/schema.ts'
import type { CompiledRule } from '../types.ts'
import { queryOf } from './query.ts'
import { type GrafanaSettings, windowsIn } from './sense.ts'

interface GrafanaQuery {
  refId: string
  relativeTimeRange: { from: number; to: number }
  datasourceUid: string
  model: Record<string, unknown>
}

/** A rule in a file of Grafana's provisioning; only what 9.4 and 11 read alike. */
export interface GrafanaRule {
  uid: string
  title: string
  condition: string
  data: GrafanaQuery[]
  noDataState: 'OK'
  execErrState: 'Error'
  for: string
  labels: Record<string, string>
  annotations: Record<string, string>
}

const daySeconds = 86_400
const expression = { type: '__expr__', uid: '__expr__' }

function expressionQuery(refId: string, model: Record<string, unknown>): GrafanaQuery {
  const whole = { refId, datasource: expression, ...model }
  return { refId, relativeTimeRange: { from: 0, to: 0 }, datasourceUid: '__expr__', model: whole }
}

const reduce = (refId: string, reducer: string) =>
  expressionQuery(refId, { type: 'reduce', expression: 'A', reducer, settings: { mode: 'dropNN' } })

function influxQuery(query: string, { source, windowMs }: GrafanaSettings & { source: string }): GrafanaQuery {
  const look = { rawQuery: true, resultFormat: 'time_series', intervalMs: windowMs, maxDataPoints: 43_200 }
  const model = { refId: 'A', datasource: { type: 'influxdb', uid: source }, query, ...look }
  return { refId: 'A', relativeTimeRange: { from: daySeconds, to: 0 }, datasourceUid: source, model }
}

/** Every one of the newest windows is beyond the bound when the least bad one is. */
function conditionOf({ bounds }: CompiledRule, windows: number): { best: string; worst: string; text: string } {
  const isAbove = Number.isFinite(bounds.high)
  const [best, worst] = isAbove ? ['min', 'max'] : ['max', 'min']
  const bad = isAbove ? `$B > ${bounds.high}` : `$B < ${bounds.low}`
  return { best, worst, text: windows === 1 ? bad : `${bad} && $N >= ${windows}` }
}

function unitOf({ definition }: CompiledRule): string {
  if (definition.kind === 'incomplete') return definition.missing === undefined ? '' : '%'
  const names = 'metric' in definition.select ? (definition.select.metric ?? []) : []
  return names.length === 1 ? (findMetric(names[0]!)?.unit ?? '') : ''
}

const textIn = (texts: Readonly<Record<string, string>>, name: string) =>
  Object.hasOwn(texts, name) ? texts[name] : undefined

/**
 * The message as a template of Grafana. It reads `.Labels` and `.Values` by themselves: of `$labels` some versions'
 * provisioning makes an empty text, of `$$labels` others a broken one.
 */
function summaryOf(rule: CompiledRule): string {
  const { definition, bounds } = rule
  const known: Record<string, string> = {
    ...{ rule: rule.id, severity: rule.severity, unit: unitOf(rule), value: '{{ .Values.W }}' },
    ...{ threshold: String(Number.isFinite(bounds.high) ? bounds.high : bounds.low) },
    ...{ for: durationText(definition.for ?? 60_000) },
  }
  const fill = (_: string, name: string) => {
    if (name.startsWith('labels.')) return textIn(definition.labels, name.slice(7)) ?? ''
    return textIn(known, name) ?? `{{ .Labels.${name} }}`
  }
  const text = definition.message ?? `{site} {device} {metric}: {value} {unit}, bound {threshold}`
  return text
    .replaceAll('$', '')
    .replaceAll(/\{([\w.-]+)\}/g, fill)
    .trim()
}

/** Stable, and in the letters and the length that Grafana takes. */
function uidOf(id: string): string {
  return /^[\w-]{1,31}$/.test(id) ? `millrace-${id}` : `millrace-${hashOf(id)}`
}

const isPlain = (text: string) => text.replaceAll('$', '')

/** Undefined for kinds that Grafana cannot be given. */
export function grafanaRule(
  rule: CompiledRule,
  settings: GrafanaSettings & { source: string },
): GrafanaRule | undefined {
  const { definition } = rule
  const query = queryOf(definition, settings)
  if (query === undefined) return undefined
  const windows = windowsOf(definition, settings)
  const { best, worst, text } = conditionOf(rule, windows)
  const reducers = definition.kind === 'rate' ? ['last', 'last'] : [best, worst]
  const count = windows === 1 ? [] : [reduce('N', 'count')]
  const math = expressionQuery('C', { type: 'math', expression: text })
  const own = Object.entries(definition.labels).map(([name, value]) => [name.replaceAll(/\W/g, '_'), isPlain(value)])
  return {
    ...{ uid: uidOf(rule.id), title: rule.id, condition: 'C' },
    data: [influxQuery(query, settings), reduce('B', reducers[0]!), reduce('W', reducers[1]!), ...count, math],
    // The rule's own `for` is in the number of windows, so that it counts windows and not the time of a gap.
    ...{ noDataState: 'OK', execErrState: 'Error', for: '0s' },
    labels: { ...Object.fromEntries(own), severity: rule.severity, rule: rule.id, cause: rule.cause },
    annotations: { summary: summaryOf(rule) },
  }
}

function windowsOf(definition: RuleDefinition, settings: GrafanaSettings): number {
  return definition.kind === 'rate' ? 1 : windowsIn(definition.for ?? settings.windowMs, settings)
}
