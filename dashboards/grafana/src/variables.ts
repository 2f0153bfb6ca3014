import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard'
import { chosen, source } from './influxql.ts'

/** Windows shorter than an hour alone: they know a new device first, and forget a dead one after 90 days. */
const windows = '/^summary_[0-9]+(m|s|ms)$/'

const everything = { selected: true, text: ['All'], value: ['$__all'] }

export function sourceVariable(): dashboard.DatasourceVariableBuilder {
  return new dashboard.DatasourceVariableBuilder('source')
    .label('Data source')
    .description('An InfluxDB with the database telemetry.')
    .type('influxdb')
}

/** The values of a tag, narrowed by the choices before it. */
function tagVariable(name: string, narrowedBy: readonly string[]): dashboard.QueryVariableBuilder {
  const condition = narrowedBy.length === 0 ? '' : ` WHERE ${chosen(...narrowedBy)}`
  const query = `SHOW TAG VALUES FROM ${windows} WITH KEY = "${name}"${condition}`
  return (
    new dashboard.QueryVariableBuilder(name)
      .datasource(source)
      .query(query)
      // Not at every change of the time range: with live data that is once a second.
      .refresh(dashboard.VariableRefresh.OnDashboardLoad)
      .sort(dashboard.VariableSort.AlphabeticalAsc)
  )
}

/** All is `.*`: a list of a thousand devices would be the length of the query. */
function several(variable: dashboard.QueryVariableBuilder): dashboard.QueryVariableBuilder {
  return variable.multi(true).includeAll(true).allValue('.*').current(everything)
}

export const oneSite = () => tagVariable('site', []).label('Site').description('Where the device stands.')

export const oneDevice = () => tagVariable('device', ['site']).label('Device').description('A device of the site.')

export const sites = () =>
  several(tagVariable('site', [])).label('Sites').description('Only devices that stand at these sites.')

export const devices = () =>
  several(tagVariable('device', ['site']))
    .label('Devices')
    .description('Only these devices of the chosen sites.')

export const oneMetric = () =>
  tagVariable('metric', ['site', 'device'])
    .label('Metric')
    .description('The metric that is drawn and ranked.')
    .current({ selected: true, text: 'temperature', value: 'temperature' })

export const metrics = () =>
  several(tagVariable('metric', ['site', 'device']))
    .label('Metrics')
    .description('One row of charts for each.')

const silences = [
  ['2 minutes', 120],
  ['5 minutes', 300],
  ['15 minutes', 900],
  ['1 hour', 3600],
  ['1 day', 86_400],
] as const

/** How long a device may be quiet, in seconds. */
export function silence(): dashboard.CustomVariableBuilder {
  const options = silences.map(([text, seconds]) => ({ text, value: String(seconds), selected: seconds === 300 }))
  return new dashboard.CustomVariableBuilder('silence')
    .label('Silent after')
    .description('A device whose newest stored reading is older than this counts as silent.')
    .values(options.map(({ text, value }) => `${text} : ${value}`).join(', '))
    .options(options)
    .current(options.find(({ selected }) => selected)!)
}

/** The rule is no tag, so its values are those of a field. */
export const rules = () =>
  several(
    new dashboard.QueryVariableBuilder('rule')
      .datasource(source)
      .query('SELECT DISTINCT("rule") FROM "history"."alert"')
      .refresh(dashboard.VariableRefresh.OnDashboardLoad)
      .sort(dashboard.VariableSort.AlphabeticalAsc),
  )
    .label('Rules')
    .description('Only alerts of these rules.')
