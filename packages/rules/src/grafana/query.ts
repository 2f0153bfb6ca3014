import { durationText } from '../definition/duration.ts'
import type { DefinitionOf, RuleDefinition } from '../definition/schema.ts'
import { type GrafanaSettings, windowsIn } from './sense.ts'

/**
 * The newest windows of each subject, wherever in the last day they are. So a gap changes nothing: what was bad before
 * it stays bad, and what was good stays good. `now()` and no macro: Grafana expands `$` in provisioned files.
 */
const lookBack = '24h'

const specials = /[.+^${}()|[\]\\/]/g

/** A tag that one of the globs matches; undefined where every value does. */
function condition(tag: string, globs: readonly string[] | undefined): string | undefined {
  if (globs === undefined || globs.includes('*')) return undefined
  if (globs.every((glob) => !/[*?]/.test(glob))) {
    const same = globs.map((name) => `"${tag}" = '${name}'`)
    return same.length === 1 ? same[0] : `(${same.join(' OR ')})`
  }
  const patterns = globs.map((glob) => glob.replace(specials, '\\$&').replace(/\*+/g, '.*').replace(/\?/g, '.'))
  return `"${tag}" =~ /^(${patterns.join('|')})$/`
}

type Select = { site?: string[] | undefined; device?: string[] | undefined; metric?: string[] | undefined }

function where({ site, device, metric }: Select, ...more: string[]): string {
  const tags = [condition('site', site), condition('device', device), condition('metric', metric)]
  return [...tags.filter((one) => one !== undefined), `time > now() - ${lookBack}`, ...more].join(' AND ')
}

const ofSeries = '"site", "device", "metric"'

/** As the ingest names what it stores: docs/influxdb.md. */
const table = (kind: 'summary' | 'completeness', { windowMs }: GrafanaSettings) =>
  `"minute"."${kind}_${durationText(windowMs)}"`

type Query<Kind extends RuleDefinition['kind']> = (rule: DefinitionOf<Kind>, settings: GrafanaSettings) => string

const newest = (rule: RuleDefinition, settings: GrafanaSettings) =>
  `ORDER BY time DESC LIMIT ${windowsIn(rule.for ?? settings.windowMs, settings)}`

const threshold: Query<'threshold'> = (rule, settings) =>
  `SELECT "${rule.field ?? 'mean'}" AS "value" FROM ${table('summary', settings)} WHERE ${where(rule.select)} GROUP BY ${ofSeries} ${newest(rule, settings)}`

/** In ascending time: InfluxDB 1.x turns the sign of a difference where the newest comes first. */
const rate: Query<'rate'> = (rule, settings) => {
  const steps = `SELECT difference("${rule.field}") AS "step" FROM ${table('summary', settings)} WHERE ${where(rule.select)} GROUP BY ${ofSeries}`
  const average = `moving_average("step", ${windowsIn(rule.over, settings)})`
  return `SELECT ${average} * ${rule.per / settings.windowMs} AS "value" FROM (${steps}) GROUP BY ${ofSeries}`
}

/** Not the two newest windows: some of their series may not be stored yet. */
const group: Query<'group'> = (rule, settings) => {
  const window = durationText(settings.windowMs)
  const settled = `time < now() - ${durationText(3 * settings.windowMs)}`
  return `SELECT ${rule.of}("${rule.field}") AS "value" FROM ${table('summary', settings)} WHERE ${where(rule.select, settled)} GROUP BY time(${window}), "site", "metric" fill(none) ${newest(rule, settings)}`
}

const incomplete: Query<'incomplete'> = (rule, settings) => {
  const value = rule.missing === undefined ? '"missing"' : '100 * "missing" / ("messages" + "missing")'
  return `SELECT ${value} AS "value" FROM ${table('completeness', settings)} WHERE ${where(rule.select, '"missing" >= 0')} GROUP BY "site", "device" ${newest(rule, settings)}`
}

/** InfluxQL with one series for each subject of the rule; undefined for kinds that are refused. */
export function queryOf(rule: RuleDefinition, settings: GrafanaSettings): string | undefined {
  switch (rule.kind) {
    case 'threshold':
      return threshold(rule, settings)
    case 'rate':
      return rate(rule, settings)
    case 'group':
      return group(rule, settings)
    case 'incomplete':
      return incomplete(rule, settings)
    default:
      return undefined
  }
}
